// says: a file without it does not include <cppwebsocket/handler.hpp>
#include <cppwebsocket/handler.hpp>

int number_of_rooms() { return 1; }
