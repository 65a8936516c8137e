// TlsTransport against a client of OpenSSL's in the same process, over a socket pair.
#include "runtime/transport/tls.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include <dlfcn.h>
#include <fcntl.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <unistd.h>

namespace cppwebsocket::runtime {
namespace {

template <auto free>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    free(object);
  }
};
using Context = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;
using Connection = std::unique_ptr<SSL, Freed<SSL_free>>;

void load_openssl_once() {
  if (has_openssl()) return;
  ASSERT_EQ(load_openssl([](const char* name) { return ::dlsym(RTLD_DEFAULT, name); }), nullptr);
}

// A server's, with a certificate of its own making.
Context server_context(int version) {
  Context context(SSL_CTX_new(TLS_server_method()));
  const std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>> key(EVP_EC_gen("P-256"));
  const std::unique_ptr<X509, Freed<X509_free>> certificate(X509_new());
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  X509_sign(certificate.get(), key.get(), EVP_sha256());
  SSL_CTX_use_certificate(context.get(), certificate.get());
  SSL_CTX_use_PrivateKey(context.get(), key.get());
  SSL_CTX_set_min_proto_version(context.get(), version);
  SSL_CTX_set_max_proto_version(context.get(), version);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);  // so that it keeps sessions itself
  return context;
}

class TlsTransportTest : public ::testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    load_openssl_once();
    int pair[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    client_socket_ = pair[1];
    server_context_ = server_context(GetParam());
    client_context_.reset(SSL_CTX_new(TLS_client_method()));
    client_.reset(SSL_new(client_context_.get()));
    SSL_set_fd(client_.get(), client_socket_);
    SSL_set_connect_state(client_.get());
    server_.reset(SSL_new(server_context_.get()));
    SSL_set_fd(server_.get(), pair[0]);
    SSL_set_accept_state(server_.get());
    for (int i = 0; i < 10; ++i) {
      SSL_do_handshake(client_.get());
      SSL_do_handshake(server_.get());
    }
    ASSERT_TRUE(SSL_is_init_finished(client_.get()) && SSL_is_init_finished(server_.get()));
    ASSERT_EQ(client_reads(), "");  // but for the tickets of TLS 1.3
    transport_ = std::make_unique<TlsTransport>(server_.get(), runtime::Descriptor(pair[0]));
    // As mod_ssl does: it says goodbye and frees its reference. The client must not hear of it.
    SSL_shutdown(server_.get());
    session_ = SSL_get_session(server_.get());
    transport_->start();
    server_.reset();
  }

  void TearDown() override {
    transport_.reset();
    close_client();
  }

  void close_client() {
    if (client_socket_ >= 0) ::close(client_socket_);
    client_socket_ = -1;
  }

  void client_writes(std::string_view bytes) {
    ASSERT_EQ(SSL_write(client_.get(), bytes.data(), static_cast<int>(bytes.size())),
              static_cast<int>(bytes.size()));
  }

  // What the client's SSL_write would send, without sending it.
  std::string records(const std::vector<std::string>& payloads) {
    BIO* const memory = BIO_new(BIO_s_mem());
    BIO_up_ref(memory);
    SSL_set0_wbio(client_.get(), memory);
    for (const std::string& payload : payloads) client_writes(payload);
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(memory, &bytes);
    std::string result(bytes, static_cast<std::size_t>(size));
    BIO_free(memory);
    SSL_set0_wbio(client_.get(), BIO_new_socket(client_socket_, BIO_NOCLOSE));
    return result;
  }

  void client_sends_raw(std::string_view bytes) {
    ASSERT_EQ(::send(client_socket_, bytes.data(), bytes.size(), 0),
              static_cast<ssize_t>(bytes.size()));
  }

  // What the client can read now.
  std::string client_reads(std::size_t most = 64 << 20) {
    std::string all;
    std::vector<char> buffer(16 << 10);
    while (all.size() < most) {
      const int got = SSL_read(client_.get(), buffer.data(), static_cast<int>(buffer.size()));
      if (got <= 0) break;
      all.append(buffer.data(), static_cast<std::size_t>(got));
    }
    return all;
  }

  // Reads as a session does, until there is nothing more.
  std::string transport_reads(std::size_t buffer_size = 64 << 10) {
    std::string all;
    std::vector<char> buffer(buffer_size);
    for (;;) {
      last_ = transport_->read(buffer);
      if (last_.status != IoStatus::ok) return all;
      all.append(buffer.data(), last_.bytes);
    }
  }

  IoResult writes(std::string_view bytes) { return transport_->write({&bytes, 1}); }

  // Writes all of it while the client reads on; returns what that got.
  std::string pump(std::string_view bytes) {
    std::string got;
    while (!bytes.empty() || transport_->unsent() != 0) {
      const IoResult result =
          bytes.empty() ? transport_->write({}) : transport_->write({&bytes, 1});
      EXPECT_NE(result.status, IoStatus::error);
      bytes.remove_prefix(result.bytes);
      got += client_reads();
    }
    return got + client_reads();
  }

  int client_socket_ = -1;
  Context server_context_, client_context_;
  Connection client_, server_;
  SSL_SESSION* session_ = nullptr;
  std::unique_ptr<TlsTransport> transport_;
  IoResult last_;
};

INSTANTIATE_TEST_SUITE_P(Versions, TlsTransportTest,
                         ::testing::Values(TLS1_2_VERSION, TLS1_3_VERSION), [](const auto& each) {
                           return each.param == TLS1_2_VERSION ? "Tls12" : "Tls13";
                         });

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 7 + i / 251);
  return text;
}

TEST_P(TlsTransportTest, BytesGoBothWays) {
  client_writes("to the server");
  EXPECT_EQ(transport_reads(), "to the server");
  EXPECT_EQ(last_.status, IoStatus::would_block);
  EXPECT_EQ(pump("to the client"), "to the client");
}

TEST_P(TlsTransportTest, NothingToReadIsWouldBlock) {
  EXPECT_FALSE(transport_->has_input());
  EXPECT_EQ(transport_reads(), "");
  EXPECT_EQ(last_.status, IoStatus::would_block);
}

TEST_P(TlsTransportTest, OneReadTakesAllRecords) {
  std::vector<std::string> pieces;
  for (int i = 0; i < 400; ++i) pieces.push_back(std::to_string(i) + ',');
  std::string all;
  for (const auto& piece : pieces) all += piece;
  client_sends_raw(records(pieces));
  std::vector<char> buffer(64 << 10);
  const IoResult result = transport_->read(buffer);
  EXPECT_EQ(std::string(buffer.data(), result.bytes), all);
  EXPECT_FALSE(transport_->has_input());
}

TEST_P(TlsTransportTest, RecordsOfAllSizes) {
  for (const std::size_t size : {1u, 100u, 4096u, 16384u}) {
    const std::string text = pattern(size * 3);
    client_sends_raw(
        records({text.substr(0, size), text.substr(size, size), text.substr(2 * size)}));
    EXPECT_EQ(transport_reads(), text);
  }
}

TEST_P(TlsTransportTest, RecordThatComesInPieces) {
  const std::string bytes = records({"in pieces"});
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
    client_sends_raw(bytes.substr(i, 1));
    EXPECT_EQ(transport_reads(), "");
    EXPECT_EQ(last_.status, IoStatus::would_block);
    EXPECT_FALSE(transport_->has_input());
  }
  client_sends_raw(bytes.substr(bytes.size() - 1));
  EXPECT_EQ(transport_reads(), "in pieces");
}

TEST_P(TlsTransportTest, SmallBufferLosesNothing) {
  const std::string text = pattern(40'000);
  client_sends_raw(records({text.substr(0, 10'000), text.substr(10'000)}));
  std::vector<char> buffer(100);
  const IoResult first = transport_->read(buffer);
  ASSERT_EQ(first.bytes, 100u);
  EXPECT_TRUE(transport_->has_input()) << "though the descriptor has none";
  EXPECT_EQ(std::string(buffer.begin(), buffer.end()) + transport_reads(777), text);
  EXPECT_FALSE(transport_->has_input());
}

TEST_P(TlsTransportTest, PiecesShareRecords) {
  const std::vector<std::string_view> pieces(16, "a small message ");
  const IoResult result = transport_->write(pieces);
  EXPECT_EQ(result.bytes, 256u);
  char bytes[1000];
  const ssize_t size = ::recv(client_socket_, bytes, sizeof bytes, MSG_PEEK);
  EXPECT_LT(size, 256 + 60);  // one record's header and checksum
  EXPECT_EQ(client_reads().size(), 256u);
}

TEST_P(TlsTransportTest, LargeAndSmallPiecesKeepTheirOrder) {
  const std::string large = pattern(50'000);
  const std::vector<std::string_view> pieces{"head", large, "middle", large, "", "tail"};
  std::size_t size = 0;
  std::string all;
  for (const auto piece : pieces) size += piece.size(), all += piece;
  const IoResult result = transport_->write(pieces);
  std::string got = client_reads();
  while (transport_->unsent() != 0) {
    transport_->write({});
    got += client_reads();
  }
  EXPECT_EQ(got, all.substr(0, result.bytes));
  EXPECT_EQ(got + pump(all.substr(result.bytes)), all);
}

TEST_P(TlsTransportTest, ClientThatReadsNothingMakesItBlock) {
  const std::string text = pattern(4 << 20);
  std::size_t accepted = 0;
  for (;;) {
    const std::string_view rest = std::string_view(text).substr(accepted);
    const IoResult result = transport_->write({&rest, 1});
    if (result.status != IoStatus::ok) {
      EXPECT_EQ(result.status, IoStatus::would_block);
      break;
    }
    accepted += result.bytes;
    ASSERT_LT(accepted, text.size());
  }
  EXPECT_GT(transport_->unsent(), 0u);
  EXPECT_LE(transport_->unsent(), 68u << 10);
  EXPECT_EQ(client_reads(1) + pump(std::string_view(text).substr(accepted)), text);
  EXPECT_EQ(transport_->unsent(), 0u);
}

TEST_P(TlsTransportTest, ProgressOfWhatWasAcceptedIsOk) {
  const std::string text = pattern(4 << 20);
  while (writes(text).status == IoStatus::ok) {
  }
  const std::size_t before = transport_->unsent();
  std::vector<char> raw(8192);
  ASSERT_GT(::recv(client_socket_, raw.data(), raw.size(), 0), 0);
  IoResult result = transport_->write({});
  for (int i = 0; i < 200 && result.status == IoStatus::would_block; ++i) {
    ::recv(client_socket_, raw.data(), raw.size(), 0);
    result = transport_->write({});
  }
  EXPECT_EQ(result.status, IoStatus::ok);
  EXPECT_EQ(result.bytes, 0u);
  EXPECT_LT(transport_->unsent(), before);
}

TEST_P(TlsTransportTest, PeersCloseNotifyIsItsEnd) {
  client_writes("last words");
  SSL_shutdown(client_.get());
  std::vector<char> buffer(64 << 10);
  EXPECT_EQ(transport_->read(buffer).bytes, 10u);
  EXPECT_TRUE(transport_->has_input()) << "the end, which no descriptor shows";
  EXPECT_EQ(transport_->read(buffer).status, IoStatus::closed);
  EXPECT_EQ(pump("but it still listens"), "but it still listens");
}

TEST_P(TlsTransportTest, EndOfTcpIsAnEnd) {
  close_client();
  EXPECT_EQ(transport_reads(), "");
  EXPECT_EQ(last_.status, IoStatus::closed);
}

TEST_P(TlsTransportTest, ShutdownSaysCloseNotifyAndReadingGoesOn) {
  EXPECT_TRUE(transport_->shutdown_write());
  char byte;
  EXPECT_EQ(SSL_read(client_.get(), &byte, 1), 0);
  EXPECT_EQ(SSL_get_shutdown(client_.get()), SSL_RECEIVED_SHUTDOWN);
  EXPECT_EQ(::recv(client_socket_, &byte, 1, 0), 0) << "the end of TCP behind it";
  client_writes("still here");
  EXPECT_EQ(transport_reads(), "still here");
}

TEST_P(TlsTransportTest, ShutdownWaitsForRoom) {
  const std::string text = pattern(4 << 20);
  while (writes(text).status == IoStatus::ok) {
  }
  EXPECT_FALSE(transport_->shutdown_write());
  const std::string got = client_reads(1);
  std::string rest;
  while (!transport_->shutdown_write()) rest += client_reads();
  rest += client_reads();
  EXPECT_EQ(SSL_get_shutdown(client_.get()), SSL_RECEIVED_SHUTDOWN);
  EXPECT_EQ((got + rest), text.substr(0, got.size() + rest.size()));
}

TEST_P(TlsTransportTest, DestructionKeepsTheSessionResumable) {
  SSL_SESSION_up_ref(session_);
  transport_.reset();
  EXPECT_TRUE(SSL_SESSION_is_resumable(session_));
  SSL_SESSION_free(session_);
}

TEST_P(TlsTransportTest, BrokenRecordIsAnErrorBehindTheGoodOnes) {
  const std::string good = records({"good"});
  std::string bad = records({"bad"});
  bad.back() ^= 1;
  client_sends_raw(good + bad);
  EXPECT_EQ(transport_reads(), "good");
  EXPECT_EQ(last_.status, IoStatus::error);
  EXPECT_EQ(last_.error, EPROTO);
  EXPECT_EQ(writes("too late").status, IoStatus::error);
  EXPECT_EQ(client_reads(), "");
  EXPECT_NE(ERR_peek_error(), 0u) << "the client has our alert";
  ERR_clear_error();
}

TEST_P(TlsTransportTest, ErrorsOfOthersAreNotOurs) {
  ERR_raise(ERR_LIB_SSL, SSL_R_BAD_LENGTH);
  EXPECT_EQ(transport_reads(), "");
  EXPECT_EQ(last_.status, IoStatus::would_block);
}

TEST_P(TlsTransportTest, ResetIsReportedWithItsErrno) {
  close_client();
  IoResult result = writes("nobody there");
  EXPECT_EQ(result.status, IoStatus::error);
  EXPECT_EQ(result.error, EPIPE);
}

TEST_P(TlsTransportTest, KeyUpdates) {
  if (GetParam() != TLS1_3_VERSION) GTEST_SKIP() << "TLS 1.3 only";
  for (const int kind : {SSL_KEY_UPDATE_REQUESTED, SSL_KEY_UPDATE_NOT_REQUESTED}) {
    for (int i = 0; i < 40; ++i) {
      SSL_key_update(client_.get(), kind);
      client_writes("new keys");
      EXPECT_EQ(transport_reads(), "new keys");
      EXPECT_EQ(pump("and here"), "and here");
    }
  }
}

TEST_P(TlsTransportTest, RenegotiationIsRefused) {
  if (GetParam() != TLS1_2_VERSION) GTEST_SKIP() << "there is none in TLS 1.3";
  SSL_renegotiate(client_.get());
  SSL_do_handshake(client_.get());
  EXPECT_EQ(transport_reads(), "");
  EXPECT_EQ(last_.status, IoStatus::would_block);
  EXPECT_EQ(SSL_do_handshake(client_.get()), -1);
  EXPECT_EQ(ERR_GET_REASON(ERR_peek_last_error()), SSL_R_NO_RENEGOTIATION);
  ERR_clear_error();
}

}  // namespace
}  // namespace cppwebsocket::runtime
