#include <QtCore/QCoreApplication>
#include <QtCore/QTextStream>
#include <QtNetwork/QNetworkRequest>
#include <QtWebSockets/QWebSocket>

int main(int argc, char** argv) {
  QCoreApplication app(argc, argv);
  QTextStream out(stdout);
  QWebSocket ws;
  bool opened = false;
  QObject::connect(&ws, &QWebSocket::sslErrors, [&] { ws.ignoreSslErrors(); });
  QObject::connect(&ws, &QWebSocket::connected, [&] {
    opened = true;
    out << "open -" << Qt::endl;
  });
  QObject::connect(&ws, &QWebSocket::textMessageReceived, [&](const QString& text) {
    if (text == QLatin1String("close"))
      ws.close(QWebSocketProtocol::CloseCode(4002));
    else
      ws.sendTextMessage(text);
  });
  QObject::connect(&ws, &QWebSocket::binaryMessageReceived,
                   [&](const QByteArray& bytes) { ws.sendBinaryMessage(bytes); });
  QObject::connect(&ws, &QWebSocket::disconnected, [&] {
    if (opened)
      out << "closed " << int(ws.closeCode()) << Qt::endl;
    else
      out << "refused -" << Qt::endl;
    app.exit();
  });
  QNetworkRequest request(QUrl(QString::fromUtf8(argv[1])));
  if (argc > 2) request.setRawHeader("Sec-WebSocket-Protocol", argv[2]);
  ws.open(request);
  return app.exec();
}
