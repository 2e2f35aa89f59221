// A page that waits for something asks again by itself; without scripts its link does it.
"use strict";

window.setTimeout(() => window.location.reload(), 4000);
