local websocket = require "http.websocket"
local tls = require "http.tls"
local context = require "openssl.ssl.context"
local store = require "openssl.x509.store"

io.stdout:setvbuf("line")
local protocols
if arg[2] then
  protocols = {}
  for name in arg[2]:gmatch("[^,]+") do protocols[#protocols + 1] = name end
end
local ws = websocket.new_from_uri(arg[1], protocols)
if arg[1]:match("^wss") then
  local trusted = store.new()
  trusted:add(os.getenv("CA"))
  ws.request.ctx = tls.new_client_context()
  ws.request.ctx:setStore(trusted)
end
local ok, why = ws:connect(20)
if not ok then
  print("refused -")
  os.exit()
end
print("open " .. (ws.protocol or "-"))
while true do
  local message, kind = ws:receive()
  if not message then break end
  if message == "close" then ws:close(4002, "", 5) else ws:send(message, kind) end
end
print("closed " .. tostring(ws.got_close_code or "-"))
