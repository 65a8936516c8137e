use strict;
use warnings;
use AnyEvent;
use AnyEvent::WebSocket::Client;

my ($url, $protocols) = @ARGV;
$| = 1;
my $client = AnyEvent::WebSocket::Client->new(
  ssl_ca_file => $ENV{CA}, max_payload_size => 1 << 21, max_fragments => 1000,
  $protocols ? (subprotocol => [split /,/, $protocols]) : ());
my $done = AnyEvent->condvar;
my $ws;
$client->connect($url)->cb(sub {
  $ws = eval { shift->recv };
  unless ($ws) {
    print 'refused ', ($@ =~ /\b(\d{3})\b/)[0] // '-', "\n";
    return $done->send;
  }
  print 'open ', $ws->subprotocol || '-', "\n";
  $ws->on(each_message => sub {
    my ($ws, $message) = @_;
    $message->body eq 'close' ? $ws->close(4002) : $ws->send($message);
  });
  $ws->on(finish => sub { print 'closed ', shift->close_code, "\n"; $done->send });
});
$done->recv;
