#include "tests/daemon/smuggling_corpus.h"

namespace voucherd::http {

namespace {

using std::string_literals::operator""s;

constexpr int served_on = 0, closed = 1;
// 31 bytes, 0x1f.
const std::string evil = "GET /evil HTTP/1.1\r\nHost: x\r\n\r\n";

/// A POST to / with these header lines, then whatever follows.
std::string post_with(const std::string& fields, const std::string& rest) {
  return "POST / HTTP/1.1\r\nHost: x\r\n" + fields + "\r\n" + rest;
}
std::string chunked(const std::string& rest) { return post_with("Transfer-Encoding: chunked\r\n", rest); }
std::string of_length(std::size_t bytes) { return "Content-Length: " + std::to_string(bytes) + "\r\n"; }

/// Two ways to say how long the body is, of which only one can be meant.
std::vector<RawCase> two_lengths() {
  const std::string te = "Transfer-Encoding: chunked\r\n", end = "0\r\n\r\n";
  return {
      {"ClTe", post_with(of_length(6) + te, end + "G"), {}, 400},
      {"TeCl", post_with(te + of_length(4), "1f\r\n" + evil + "\r\n" + end), {}, 400},
      {"ClTeWithAWholeRequest", post_with(of_length(end.size() + evil.size()) + te, end + evil), {}, 400},
      {"ClZeroTe", post_with(of_length(0) + te, end + evil), {}, 400},
      {"TwoCls", post_with(of_length(5) + of_length(5), "hello" + evil), {}, 400},
      {"TwoDifferentCls", post_with(of_length(0) + of_length(evil.size()), evil), {}, 400},
      {"ClInTwoCases", post_with("Content-Length: 0\r\ncontent-length: 5\r\n", "hello"), {}, 400},
      {"ClList", post_with("Content-Length: 0, 5\r\n", "hello"), {}, 400},
      {"ClListOfOne", post_with("Content-Length: 5,\r\n", "hello"), {}, 400},
      {"ClAfterAThird", post_with(of_length(5) + "X: y\r\n" + of_length(0), "hello"), {}, 400},
      {"TeTwice", post_with(te + te, end), {}, 400},
      {"TeThenIdentity", post_with(te + "Transfer-Encoding: identity\r\n", end), {}, 400},
      {"TeThenX", post_with(te + "Transfer-Encoding: x\r\n", end), {}, 400},
      {"XThenTe", post_with("Transfer-Encoding: x\r\n" + te, end), {}, 400},
      {"TeInHttp10",
       "POST / HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n" + te + "\r\n" + end + evil,
       {},
       400},
  };
}

/// Transfer-Encoding as another server might read it.
std::vector<RawCase> encodings() {
  const auto te = [](const std::string& value) {
    return post_with("Transfer-Encoding:" + value + "\r\n", "0\r\n\r\n");
  };
  return {
      {"TeUpperCase", te(" CHUNKED"), {"POST / "}, served_on},
      {"TeWithoutSpace", te("chunked"), {"POST / "}, served_on},
      {"TeAfterATab", te("\tchunked"), {"POST / "}, served_on},
      {"TeBeforeASpace", te(" chunked "), {"POST / "}, served_on},
      {"TeQuoted", te(" \"chunked\""), {}, 400},
      {"TeWithParameter", te(" chunked;q=1"), {}, 400},
      {"TeList", te(" identity, chunked"), {}, 400},
      {"TeListBackwards", te(" chunked, identity"), {}, 400},
      {"TeCommaFirst", te(" ,chunked"), {}, 400},
      {"TeCommaLast", te(" chunked,"), {}, 400},
      {"TeCow", te(" cow"), {}, 400},
      {"TeEmpty", te(""), {}, 400},
      {"TeVerticalTab", te(" \x0b"s + "chunked"), {}, 400},
      {"TeFormFeed", te(" chunked\x0c"s), {}, 400},
      {"TeNul", te(" chunked\0"s), {}, 400},
      {"TeNoBreakSpace", te(" \xa0"s + "chunked"), {}, 400},
      {"TeByteOrderMark", te(" \xef\xbb\xbf"s + "chunked"), {}, 400},
      {"TeSpaceBeforeColon", post_with("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"), {}, 400},
      {"TeTabBeforeColon", post_with("Transfer-Encoding\t: chunked\r\n", "0\r\n\r\n"), {}, 400},
      {"TeSpaceBeforeName", post_with("X: y\r\n Transfer-Encoding: chunked\r\n", "0\r\n\r\n"), {}, 400},
      {"TeBehindABareReturn", post_with("X: y\rTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), {}, 400},
      {"TeBehindABareFeed", post_with("X: y\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), {}, 400},
      {"TeFolded", post_with("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"), {}, 400},
      // Another header's name, so there is no body: what follows is a request of its own, and none.
      {"TeUnderscore", post_with("Transfer_Encoding: chunked\r\n", "0\r\n\r\n" + evil), {"POST / "}, 400},
      {"TeLetterLikeK", post_with("Transfer-Encoding: chun\xe2\x84\xaa"s + "ed\r\n", "0\r\n\r\n"), {}, 400},
  };
}

/// Content-Length as another server might read it.
std::vector<RawCase> lengths() {
  const auto cl = [](const std::string& value) {
    return post_with("Content-Length:" + value + "\r\n", "hello");
  };
  return {
      {"ClPlus", cl(" +5"), {}, 400},
      {"ClMinus", cl(" -5"), {}, 400},
      {"ClHex", cl(" 0x5"), {}, 400},
      {"ClFraction", cl(" 5.0"), {}, 400},
      {"ClExponent", cl(" 5e0"), {}, 400},
      {"ClTwoNumbers", cl(" 5 5"), {}, 400},
      {"ClQuoted", cl(" \"5\""), {}, 400},
      {"ClEmpty", cl(""), {}, 400},
      {"ClVerticalTab", cl(" 5\x0b"s), {}, 400},
      {"ClNul", cl(" 5\0"s), {}, 400},
      {"ClArabicDigit", cl(" \xd9\xa5"s), {}, 400},
      {"ClWraps", cl(" 18446744073709551621"), {}, 400},
      {"ClSpaceBeforeColon", post_with("Content-Length : 5\r\n", "hello"), {}, 400},
      {"ClBehindABareReturn", post_with("X: y\rContent-Length: 5\r\n", "hello"), {}, 400},
      {"ClFolded", post_with("Content-Length:\r\n 5\r\n", "hello"), {}, 400},
      // Decimal, whatever the zeros before it.
      {"ClLeadingZeros", cl(" 0005"), {"POST / hello"}, served_on},
      {"ClNotOctal", post_with("Content-Length: 010\r\n", "0123456789"), {"POST / 0123456789"}, served_on},
      {"ClSpaces", cl("  5 \t"), {"POST / hello"}, served_on},
      {"ClUnderscore", post_with("Content_Length: 4\r\n", "@\r\n\r\n"), {"POST / "}, 400},
      {"ClUnderscoreAndRequest",
       post_with("Content_Length: 31\r\n", evil),
       {"POST / ", "GET /evil "},
       served_on},
  };
}

/// The chunks themselves.
std::vector<RawCase> chunks() {
  const std::string end = "0\r\n\r\n";
  return {
      {"ChunkWithARequestInIt", chunked("1f\r\n" + evil + "\r\n" + end), {"POST / " + evil}, served_on},
      {"ChunkEndTwice", chunked(end + end), {"POST / "}, 400},
      {"ChunkEndWithoutEmptyLine", chunked("0\r\n" + evil), {}, 400},
      {"ChunkTrailer", chunked("0\r\nX: y\r\n\r\n" + evil), {}, 400},
      {"ChunkTrailerWithLength", chunked("0\r\nContent-Length: 31\r\n\r\n" + evil), {}, 400},
      {"ChunkShorterThanSaid", chunked("6\r\nhello\r\n" + end), {}, 400},
      {"ChunkLongerThanSaid", chunked("4\r\nhello\r\n" + end), {}, 400},
      {"ChunkWithoutLineEnd", chunked("5\r\nhello" + end), {}, 400},
      {"ChunkWithBareFeed", chunked("5\nhello\n0\n\n"), {}, 400},
      {"ChunkDataThenBareFeed", chunked("5\r\nhello\n" + end), {}, 400},
      {"ChunkSizeHexPrefix", chunked("0x5\r\nhello\r\n" + end), {}, 400},
      {"ChunkSizePlus", chunked("+5\r\nhello\r\n" + end), {}, 400},
      {"ChunkSizeUnderscore", chunked("1_0\r\n0123456789abcdef\r\n" + end), {}, 400},
      {"ChunkSizeWraps", chunked("10000000000000005\r\nhello\r\n" + end), {}, 400},
      {"ChunkSizeEmpty", chunked("\r\nhello\r\n" + end), {}, 400},
      {"ChunkSizeAfterSpace", chunked(" 5\r\nhello\r\n" + end), {}, 400},
      {"ChunkSizeZeros", chunked("00005\r\nhello\r\n" + end), {"POST / hello"}, served_on},
      {"ChunkEndZeros", chunked("5\r\nhello\r\n000\r\n\r\n"), {"POST / hello"}, served_on},
      {"ChunkExtension", chunked("5;a=b\r\nhello\r\n" + end), {"POST / hello"}, served_on},
      {"ChunkExtensionQuoted", chunked("5;a=\"b;c\"\r\nhello\r\n" + end), {"POST / hello"}, served_on},
      {"ChunkExtensionWithFeed", chunked("5;a=\"\n\"\r\nhello\r\n" + end), {}, 400},
      {"ChunkExtensionWithLineEnd", chunked("5;a=\"\r\n\"\r\nhello\r\n" + end), {}, 400},
      {"ChunkExtensionWithReturn", chunked("5;a\rb\r\nhello\r\n" + end), {}, 400},
      {"ChunkExtensionBroken", chunked("5;;\r\nhello\r\n" + end), {}, 400},
  };
}

/// The request line and the rest of the header.
std::vector<RawCase> heads() {
  const auto head = [](const std::string& line, const std::string& fields) {
    return line + "\r\n" + fields + "\r\n";
  };
  const std::string host = "Host: x\r\n";
  return {
      {"Http09", "GET /\r\n" + evil, {}, 400},
      {"SpacesBehindVersion", head("GET / HTTP/1.1 ", host), {}, 400},
      {"TabsInLine", head("GET\t/\tHTTP/1.1", host), {}, 400},
      {"LowerCaseVersion", head("GET / http/1.1", host), {}, 400},
      {"LongVersion", head("GET / HTTP/1.10", host), {}, 400},
      {"VersionAndMore", head("GET / HTTP/1.1 HTTP/1.1", host), {}, 400},
      {"Version2", head("GET / HTTP/2.0", host), {}, 505},
      {"BareFeedInTarget", head("GET /\nX HTTP/1.1", host), {}, 400},
      {"BareReturnInTarget", head("GET /\rX HTTP/1.1", host), {}, 400},
      {"NulInTarget", head("GET /\0x HTTP/1.1"s, host), {}, 400},
      {"LineEndsOfFeeds", "GET / HTTP/1.1\nHost: x\n\n" + evil, {}, 400},
      {"NulInName", head("GET / HTTP/1.1", host + "A\0: b\r\n"s), {}, 400},
      {"ByteInName", head("GET / HTTP/1.1", host + "A\xe9: b\r\n"s), {}, 400},
      {"NoColon", head("GET / HTTP/1.1", host + "Content-Length\r\n"), {}, 400},
      {"SecondHost", head("GET / HTTP/1.1", host + "Host: y\r\n"), {}, 400},
      {"HostFolded", head("GET / HTTP/1.1", "Host:\r\n x\r\n"), {}, 400},
      {"HostWithUser", head("GET / HTTP/1.1", "Host: a@b\r\n"), {}, 400},
      {"NoHost", head("GET / HTTP/1.1", "X: y\r\n"), {}, 400},
      {"EmptyLinesBefore", "\r\n\r\n" + head("GET /a HTTP/1.1", host), {"GET /a "}, served_on},
      {"AbsoluteTarget", head("GET http://y/a HTTP/1.1", host), {"GET /a "}, served_on},
      {"DoubleSlash", head("GET //y/a HTTP/1.1", host), {"GET //y/a "}, served_on},
      {"DotSegments", head("GET /a/../b HTTP/1.1", host), {"GET /a/../b "}, served_on},
      {"EncodedLineEnd", head("GET /a%0d%0aX:%20y HTTP/1.1", host), {}, 400},
      {"UpgradeToH2c",
       head("GET /a HTTP/1.1", host + "Connection: Upgrade\r\nUpgrade: h2c\r\n"),
       {"GET /a "},
       served_on},
      {"HopByHopNames",
       head("GET /a HTTP/1.1", host + "Connection: Content-Length, Host\r\n"),
       {"GET /a "},
       served_on},
      {"TwoConnections",
       head("GET /a HTTP/1.1", host + "Connection: keep-alive\r\nConnection: close\r\n") + evil,
       {"GET /a "},
       closed},
      {"Http10", "GET /a HTTP/1.0\r\n\r\n" + evil, {"GET /a "}, closed},
      {"UnknownMethod", head("SMUGGLE /a HTTP/1.1", host), {"SMUGGLE /a "}, served_on},
      {"Asterisk", head("OPTIONS * HTTP/1.1", host), {"OPTIONS * "}, served_on},
  };
}

/// In order, and easily mistaken: a body where none is expected, or one that looks like a request.
std::vector<RawCase> bodies() {
  return {
      {"GetWithBody",
       "GET /a HTTP/1.1\r\nHost: x\r\n" + of_length(evil.size()) + "\r\n" + evil,
       {"GET /a " + evil},
       served_on},
      {"GetWithChunks",
       "GET /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
       {"GET /a hello"},
       served_on},
      {"DeleteWithBody",
       "DELETE /a HTTP/1.1\r\nHost: x\r\n" + of_length(5) + "\r\nhello",
       {"DELETE /a hello"},
       served_on},
      {"PostThatIsARequest", post_with(of_length(evil.size()), evil), {"POST / " + evil}, served_on},
      {"PostWithoutLength", post_with("", evil), {"POST / ", "GET /evil "}, served_on},
      {"PostOfNothing", post_with(of_length(0), evil), {"POST / ", "GET /evil "}, served_on},
      {"ShortBodyThenRequest",
       post_with(of_length(5), "hello" + evil),
       {"POST / hello", "GET /evil "},
       served_on},
      {"ShortBodyThenRest",
       post_with(of_length(4), "hello" + evil),
       {"POST / hell", "oGET /evil "},
       served_on},
      {"ExpectWithBodyAtOnce",
       post_with(of_length(5) + "Expect: 100-continue\r\n", "hello"),
       {"POST / hello"},
       served_on},
      {"ExpectWithoutBody", post_with(of_length(0) + "Expect: 100-continue\r\n", ""), {"POST / "}, served_on},
      {"ExpectObfuscated", post_with(of_length(5) + "Expect: y 100-continue\r\n", "hello"), {}, 417},
      {"Http10PostWithoutLength", "POST /a HTTP/1.0\r\n\r\n" + evil, {"POST /a "}, closed},
      {"Http10KeptWithBody",
       "POST /a HTTP/1.0\r\nConnection: keep-alive\r\n" + of_length(5) + "\r\nhello",
       {"POST /a hello"},
       served_on},
  };
}

}  // namespace

std::vector<RawCase> smuggling_corpus() {
  std::vector<RawCase> all;
  for (auto&& part : {two_lengths(), encodings(), lengths(), chunks(), heads(), bodies()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

}  // namespace voucherd::http
