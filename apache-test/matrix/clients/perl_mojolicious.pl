use Mojo::Base -strict, -signatures;
use Mojo::IOLoop;
use Mojo::UserAgent;

my ($url, $protocols) = @ARGV;
$| = 1;
my $agent = Mojo::UserAgent->new(ca => $ENV{CA}, inactivity_timeout => 0);
my @headers = ({'Sec-WebSocket-Extensions' => 'permessage-deflate'});
$agent->websocket($url, @headers, $protocols ? [split /,/, $protocols] : (), sub ($agent, $ws) {
  unless ($ws->is_websocket) {
    say 'refused ', $ws->res->code // '-';
    return Mojo::IOLoop->stop;
  }
  say 'open ', $ws->protocol || '-';
  $ws->max_websocket_size(1 << 21);
  $ws->on(text => sub ($ws, $bytes) {
    $bytes eq 'close' ? $ws->finish(4002) : $ws->send({text => $bytes});
  });
  $ws->on(binary => sub ($ws, $bytes) { $ws->send({binary => $bytes}) });
  $ws->on(finish => sub ($ws, $code, @) { say "closed $code"; Mojo::IOLoop->timer(0.5 => sub { Mojo::IOLoop->stop }) });
});
Mojo::IOLoop->start;
