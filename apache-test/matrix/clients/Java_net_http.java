import java.io.ByteArrayOutputStream;
import java.io.FileInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocket;
import java.net.http.WebSocketHandshakeException;
import java.nio.ByteBuffer;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

class Java_net_http implements WebSocket.Listener {
  final CompletableFuture<Void> done = new CompletableFuture<>();
  final StringBuilder text = new StringBuilder();
  final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  public void onOpen(WebSocket ws) {
    System.out.println("open " + (ws.getSubprotocol().isEmpty() ? "-" : ws.getSubprotocol()));
    ws.request(1);
  }

  public CompletionStage<?> onText(WebSocket ws, CharSequence part, boolean last) {
    text.append(part);
    if (last) {
      String whole = text.toString();
      text.setLength(0);
      if (whole.equals("close")) ws.sendClose(4002, "");
      else ws.sendText(whole, true).join();
    }
    ws.request(1);
    return null;
  }

  public CompletionStage<?> onBinary(WebSocket ws, ByteBuffer part, boolean last) {
    byte[] got = new byte[part.remaining()];
    part.get(got);
    bytes.writeBytes(got);
    if (last) {
      ws.sendBinary(ByteBuffer.wrap(bytes.toByteArray()), true).join();
      bytes.reset();
    }
    ws.request(1);
    return null;
  }

  public CompletionStage<?> onClose(WebSocket ws, int code, String reason) {
    System.out.println("closed " + code);
    done.complete(null);
    return null;
  }

  public void onError(WebSocket ws, Throwable error) {
    System.out.println("lost " + error);
    done.complete(null);
  }

  static SSLContext trusting(String file) throws Exception {
    KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
    store.load(null);
    store.setCertificateEntry("ca", CertificateFactory.getInstance("X.509")
        .generateCertificate(new FileInputStream(file)));
    TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
    trust.init(store);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    return context;
  }

  public static void main(String[] args) throws Exception {
    Java_net_http listener = new Java_net_http();
    WebSocket.Builder builder = HttpClient.newBuilder().sslContext(trusting(System.getenv("CA"))).build()
        .newWebSocketBuilder();
    if (args.length > 1) {
      String[] names = args[1].split(",");
      builder.subprotocols(names[0], Arrays.copyOfRange(names, 1, names.length));
    }
    try {
      builder.buildAsync(URI.create(args[0]), listener).join();
      listener.done.join();
    } catch (CompletionException error) {
      System.out.println(error.getCause() instanceof WebSocketHandshakeException refused
          ? "refused " + refused.getResponse().statusCode() : "lost " + error.getCause());
    }
    System.exit(0);
  }
}
