#include <Poco/Net/Context.h>
#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/Net/HTTPSClientSession.h>
#include <Poco/Net/NetException.h>
#include <Poco/Net/WebSocket.h>
#include <Poco/URI.h>

#include <cstdlib>
#include <iostream>
#include <memory>

using namespace Poco::Net;

int main(int argc, char** argv) {
  const Poco::URI uri(argv[1]);
  std::unique_ptr<HTTPClientSession> session;
  if (uri.getScheme() == "wss")
    session = std::make_unique<HTTPSClientSession>(
        uri.getHost(), uri.getPort(), new Context(Context::TLS_CLIENT_USE, "", "", std::getenv("CA")));
  else
    session = std::make_unique<HTTPClientSession>(uri.getHost(), uri.getPort());
  HTTPRequest request(HTTPRequest::HTTP_GET, uri.getPathAndQuery(), HTTPMessage::HTTP_1_1);
  if (argc > 2) request.set("Sec-WebSocket-Protocol", argv[2]);
  HTTPResponse response;
  try {
    WebSocket ws(*session, request, response);
    std::cout << "open " << response.get("Sec-WebSocket-Protocol", "-") << std::endl;
    ws.setMaxPayloadSize(1 << 21);
    for (;;) {
      Poco::Buffer<char> message(0);
      int flags = 0;
      ws.receiveFrame(message, flags);
      const int opcode = flags & WebSocket::FRAME_OP_BITMASK;
      if (opcode == WebSocket::FRAME_OP_CLOSE || flags == 0) {
        const int code = message.size() < 2 ? 1005 : (message[0] & 255) << 8 | (message[1] & 255);
        std::cout << "closed " << code << std::endl;
        ws.shutdown(static_cast<Poco::UInt16>(code));
        return 0;
      }
      if (opcode == WebSocket::FRAME_OP_PING)
        ws.sendFrame(message.begin(), message.size(), WebSocket::FRAME_FLAG_FIN | WebSocket::FRAME_OP_PONG);
      else if (std::string(message.begin(), message.size()) == "close")
        ws.shutdown(4002);
      else
        ws.sendFrame(message.begin(), message.size(), flags);
    }
  } catch (const WebSocketException&) {
    std::cout << "refused " << response.getStatus() << std::endl;
  }
}
