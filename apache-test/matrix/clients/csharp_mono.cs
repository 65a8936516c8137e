using System;
using System.IO;
using System.Net;
using System.Net.WebSockets;
using System.Text;
using System.Threading;

class CsharpMono {
  static int Main(string[] args) {
    ServicePointManager.ServerCertificateValidationCallback = (sender, certificate, chain, errors) => true;
    var none = CancellationToken.None;
    var ws = new ClientWebSocket();
    if (args.Length > 1)
      foreach (var name in args[1].Split(',')) ws.Options.AddSubProtocol(name);
    try {
      ws.ConnectAsync(new Uri(args[0]), none).Wait();
    } catch (AggregateException error) {
      var answer = (error.GetBaseException() as WebException)?.Response as HttpWebResponse;
      Console.WriteLine("refused {0}", answer == null ? "-" : ((int)answer.StatusCode).ToString());
      return 0;
    }
    Console.WriteLine("open {0}", string.IsNullOrEmpty(ws.SubProtocol) ? "-" : ws.SubProtocol);
    var buffer = new byte[65536];
    for (;;) {
      var message = new MemoryStream();
      WebSocketReceiveResult got;
      do {
        got = ws.ReceiveAsync(new ArraySegment<byte>(buffer), none).Result;
        message.Write(buffer, 0, got.Count);
      } while (!got.EndOfMessage);
      if (got.MessageType == WebSocketMessageType.Close) {
        Console.WriteLine("closed {0}", (int)got.CloseStatus);
        if (ws.State == WebSocketState.CloseReceived)
          ws.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", none).Wait();
        return 0;
      }
      if (Encoding.UTF8.GetString(message.ToArray()) == "close")
        ws.CloseOutputAsync((WebSocketCloseStatus)4002, "", none).Wait();
      else
        ws.SendAsync(new ArraySegment<byte>(message.ToArray()), got.MessageType, true, none).Wait();
    }
  }
}
