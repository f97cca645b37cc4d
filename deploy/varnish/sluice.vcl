# Varnish in front of Sluice: any number of viewers cost the server what one does.
# docs/caching.md says how to install it, and why it is as it is.
vcl 4.1;

import std;

backend sluice {
  .host = "127.0.0.1"; # yours: where Sluice listens
  .port = "8080";
  .first_byte_timeout = 15s; # Sluice lets a request wait for six seconds
  .between_bytes_timeout = 30s; # event streams say something every 15 s
}

sub vcl_recv {
  # The API, the time, the pages: nothing of these is kept.
  if (req.url !~ "^/streams/" || (req.method != "GET" && req.method != "HEAD")) {
    if (req.http.Accept ~ "text/event-stream") {
      return (pipe); # one thread for each, not two
    }
    return (pass);
  }
  # Media are the same for everybody. What a playlist is asked for counts, in one
  # order; a viewer's token does not.
  unset req.http.Cookie;
  unset req.http.Authorization;
  if (req.url ~ "\.m3u8\?") {
    set req.url = regsuball(req.url, "(?<=[?&])(?!_HLS_(msn|part|skip)=)[^&]*(&|$)", "");
    set req.url = regsub(std.querysort(req.url), "[?&]+$", "");
  } else {
    set req.url = regsub(req.url, "\?.*$", "");
  }
  return (hash);
}

sub vcl_hash {
  hash_data(req.url); # and no host: Sluice names none to a proxy
  return (lookup);
}

sub vcl_backend_response {
  set beresp.do_stream = true; # all who wait get each chunk when it comes
  set beresp.grace = 0s; # nothing is served that is older than its time
  if (bereq.uncacheable) {
    return (deliver);
  }
  if (beresp.http.Cache-Control ~ "no-store") {
    # What is not there yet, as a rule. It may be there now, so nobody waits for
    # the answer of somebody else; soon after, one asks for all again.
    set beresp.uncacheable = true;
    set beresp.ttl = 100ms;
    return (deliver);
  }
  if (beresp.status == 503) {
    set beresp.ttl = 1s; # waited for in vain: Varnish would keep no 503 of its own accord
  }
  if (beresp.status == 200 && bereq.url ~ "\.mpd$") {
    set beresp.ttl = 1800ms; # players ask again after two seconds; that of one second would cost the server twice
  }
  # A stream that was deleted is gone here within two seconds. What is still there
  # is asked for again with If-None-Match, and answered with 304.
  if (beresp.ttl > 1800ms) {
    set beresp.ttl = 1800ms;
  }
  set beresp.keep = 1m;
  return (deliver);
}

sub vcl_backend_error {
  # Sluice does not answer: all who wait are told so now, not one after the other.
  set beresp.ttl = 1s;
  set beresp.grace = 0s;
}
