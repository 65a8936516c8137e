# cmake -D FROM=page.html -D TO=page.cpp -P Page.cmake: the page as what httpd/endpoints/dashboard.hpp declares.
file(READ ${FROM} page)
file(WRITE ${TO} "// Made of ${FROM}.
#include \"httpd/endpoints/dashboard.hpp\"
const std::string_view cppwebsocket::httpd::dashboard_page = R\"page(${page})page\";
")
