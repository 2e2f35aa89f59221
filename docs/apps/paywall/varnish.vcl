# A cache for guests in front of a Wagtail site with a paywall (Varnish 7).
vcl 4.1;

import std;

backend site {
  .host = "127.0.0.1";
  .port = "8000";
}

# Who may purge: the machines of the site.
acl site_itself {
  "127.0.0.1";
  "::1";
}

sub vcl_recv {
  if (req.method == "PURGE") {
    if (client.ip !~ site_itself) {
      return (synth(405, "Not allowed"));
    }
    # The page under every query and in every language.
    ban("obj.http.x-host == " + req.http.host + " && obj.http.x-path == " + regsub(req.url, "\?.*$", ""));
    return (synth(200, "Purged"));
  }

  # Nobody but this proxy says which address was asked for.
  unset req.http.X-Forwarded-Host;
  unset req.http.X-Forwarded-Port;
  unset req.http.X-Original-URL;
  unset req.http.X-Rewrite-URL;

  if ((req.method != "GET" && req.method != "HEAD") || req.http.Authorization) {
    return (pass);
  }

  # Who has one of these cookies gets pages of their own: session, gift or free page, open basket,
  # a form's token, a message to show.
  if (req.http.Cookie ~ "(^|;\s*)(sessionid|oscar_open_basket|csrftoken|messages|cms_billing_[a-z0-9_]+)=") {
    return (pass);
  }

  # The language that the site answers in: the one chosen there, else the first of the site's own that the browser
  # names. Here de and en; any other gets en.
  if (req.http.Cookie ~ "(^|;\s*)django_language=de(;|$)") {
    set req.http.Accept-Language = "de";
  } else if (req.http.Cookie ~ "(^|;\s*)django_language=en(;|$)") {
    set req.http.Accept-Language = "en";
  } else if (req.http.Accept-Language ~ "(?i)^(?:\s*+(?!(?:en|de)\b)[^,]*+,)*+\s*+de\b") {
    set req.http.Accept-Language = "de";
  } else {
    set req.http.Accept-Language = "en";
  }
  # What is left of a guest's cookies changes nothing: "Vary: Cookie" then makes no other variants.
  unset req.http.Cookie;

  # Marks of newsletters and advertisements change nothing on a page.
  if (req.url ~ "\?((utm_[a-z]+|fbclid|gclid|mtm_[a-z]+)=[^&]*&?)+$") {
    set req.url = regsub(req.url, "\?.*$", "");
  }
  return (hash);
}

sub vcl_backend_response {
  set beresp.http.x-host = bereq.http.host;
  set beresp.http.x-path = regsub(bereq.url, "\?.*$", "");

  if (beresp.http.Set-Cookie || beresp.http.Cache-Control ~ "(?i)private|no-store|no-cache" || beresp.status != 200) {
    set beresp.uncacheable = true;
    set beresp.ttl = 120s;
    return (deliver);
  }
  # No answer that is older than it says: a page that is open until midnight is closed after it.
  set beresp.grace = 0s;
  if (!beresp.http.Cache-Control && !beresp.http.Expires) {
    set beresp.ttl = 10m;
  }
}

sub vcl_deliver {
  if (obj.hits > 0) {
    set resp.http.X-Cache = "HIT";
  } else {
    set resp.http.X-Cache = "MISS";
  }
  unset resp.http.x-host;
  unset resp.http.x-path;
}
