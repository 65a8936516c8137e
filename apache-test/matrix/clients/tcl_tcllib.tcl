package require tls
package require websocket

fconfigure stdout -buffering line
::http::register https 443 [list ::tls::socket -cafile $env(CA)]
set opened 0
set closed -

proc on_event {sock type message} {
  switch -- $type {
    connect { set ::opened 1; puts "open -" }
    text {
      if {$message eq "close"} {
        set ::closed -
        ::websocket::close $sock 4002
      } else {
        ::websocket::send $sock text $message
      }
    }
    binary { ::websocket::send $sock binary $message }
    close { set ::closed [lindex $message 0] }
    disconnect { if {$::opened} { puts "closed $::closed" } else { puts "refused -" }; after 500 { set ::done 1 } }
    error { puts "refused -"; set ::done 1 }
  }
}
set options {}
if {$argc > 1} { set options [list -protocol [split [lindex $argv 1] ,]] }
::websocket::open [lindex $argv 0] on_event {*}$options
vwait done
