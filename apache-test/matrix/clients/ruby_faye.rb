require 'eventmachine'
require 'faye/websocket'

url, protocols = ARGV
$stdout.sync = true
EM.run do
  ws = Faye::WebSocket::Client.new(url, protocols&.split(','), max_length: 1 << 21)
  opened = false
  refused = nil
  ws.on(:open) { opened = true; puts "open #{ws.protocol.to_s.empty? ? '-' : ws.protocol}" }
  ws.on(:message) { |event| event.data == 'close' ? ws.close(4002) : ws.send(event.data) }
  ws.on(:error) { |event| refused = event.message[/\b\d{3}\b/] || '-' }
  ws.on(:close) { |event| puts opened ? "closed #{event.code}" : "refused #{refused}"; EM.stop }
end
