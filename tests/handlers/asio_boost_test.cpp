// Boost's Asio: Debian 12's has no cancellation of single operations.
#define SUITE BoostAsio
#include "handlers/support/asio_tests.hpp"
