"""What handlers may do to the error log."""
from harness.raw import TEXT, frame


def test_cws_780_a_handler_that_always_fails_does_not_fill_it(make_httpd):
    httpd = make_httpd(one_child=True)
    for _ in range(60):
        ws = httpd.open("/internal_error")
        ws.send(frame(TEXT, b"hello"))
        assert ws.read_close()[0] == 1011
    httpd.allow_log("CWS0020")
    assert len(httpd.error_log.find("CWS0020: internal_error_wsh.so.*raised an exception")) == 20
