#!/usr/bin/perl
# Speaks draft-75 or draft-76 with Protocol::WebSocket: sends each message, prints what comes back.
# usage: draft_client.pl VERSION URL ORIGIN MESSAGE...
#   VERSION: draft-hixie-75, draft-ietf-hybi-00 (= draft-76) or draft-ietf-hybi-17 (= RFC 6455)
# Output, one line each, UTF-8: "handshake", the answer's headers; the messages; "closed".
use strict;
use warnings;
use Encode qw(decode_utf8);
use IO::Socket::INET;
use Protocol::WebSocket::Frame;
use Protocol::WebSocket::Handshake::Client;

binmode STDOUT, ':encoding(UTF-8)';
my ($version, $url, $origin, @messages) = @ARGV;
my $handshake = Protocol::WebSocket::Handshake::Client->new(
    url => $url, version => $version, origin => $origin);
$handshake->req->origin($origin);

my ($address) = $url =~ m{^ws://([^/]+)} or die "bad URL $url\n";
my $socket = IO::Socket::INET->new(PeerAddr => $address, Timeout => 10) or die "connect: $@\n";
alarm 20;

sub write_all {
    my ($bytes) = @_;
    while (length $bytes) {
        my $wrote = syswrite($socket, $bytes) // die "write: $!\n";
        substr $bytes, 0, $wrote, '';
    }
}

write_all($handshake->to_string);
my $rest = '';
while (!$handshake->is_done) {
    sysread($socket, my $chunk, 1) or die "the server closed during the handshake\n";
    $handshake->parse($chunk) or die 'handshake: ' . $handshake->error . "\n";
    die 'handshake: ' . $handshake->error . "\n" if $handshake->error;
}
print "handshake\n";

my $frame = Protocol::WebSocket::Frame->new(version => $handshake->version);
for my $message (@messages) {
    write_all($handshake->build_frame(
        buffer => decode_utf8($message), version => $handshake->version, masked => 1)->to_bytes);
    my $got;
    until (defined($got = $frame->next)) {
        sysread($socket, my $chunk, 65536) or die "the server closed before the answer\n";
        $frame->append($chunk);
    }
    print "$got\n";
}

if ($version eq 'draft-hixie-75') {    # it has no closing handshake
    close $socket;
}
else {
    write_all($handshake->build_frame(
        type => 'close', version => $handshake->version, masked => 1)->to_bytes);
    my $answer = '';
    while (sysread($socket, my $chunk, 65536)) { $answer .= $chunk }
    die 'no closing handshake, but ' . unpack('H*', $answer) . "\n"
        unless $answer eq ($version eq 'draft-ietf-hybi-00' ? "\xff\x00" : "\x88\x00");
}
print "closed\n";
