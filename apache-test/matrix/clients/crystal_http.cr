require "http/web_socket"

headers = HTTP::Headers.new
headers["Sec-WebSocket-Protocol"] = ARGV[1].split(',').join(", ") if ARGV.size > 1
uri = URI.parse(ARGV[0])
tls = uri.scheme == "wss" ? OpenSSL::SSL::Context::Client.new.tap(&.ca_certificates = ENV["CA"]) : nil
begin
  path = "#{uri.path}?#{uri.query}"
  ws = HTTP::WebSocket.new(uri.host.not_nil!, path, port: uri.port, tls: tls, headers: headers)
rescue error : Socket::Error | Exception
  puts "refused #{error.message.to_s[/\d{3}/]? || "-"}"
  exit
end
puts "open -"
STDOUT.flush
ws.on_message { |text| text == "close" ? ws.close(HTTP::WebSocket::CloseCode.new(4002)) : ws.send(text) }
ws.on_binary { |bytes| ws.send(bytes) }
ws.on_close { |code, _| puts "closed #{code.value}" }
ws.run
