"use strict";
// What the pages do beyond HTML: local times, live regions, buttons that copy.
// Nothing is made of text: a region is replaced by the same region of the page that the
// server made, parsed by the browser as a document of its own, in which no script runs.
(() => {
  const words = document.body.dataset;

  function localTimes(within) {
    for (const t of within.querySelectorAll("time[datetime]")) {
      const at = new Date(t.dateTime);
      if (!isNaN(at)) t.title = words.local + at.toLocaleString(document.documentElement.lang, { timeZoneName: "short" });
    }
  }

  function copyButtons(within) {
    if (!navigator.clipboard) return;
    for (const pre of within.querySelectorAll("pre[data-copyable]")) {
      const text = pre.textContent;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "copy";
      button.textContent = words.copy;
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(text);
        button.textContent = words.copied;
        setTimeout(() => { button.textContent = words.copy; }, 1500);
      });
      pre.append(button);
    }
  }

  function enliven(within) {
    localTimes(within);
    copyButtons(within);
  }

  // Ask for this page again and put its region into the place of ours. What is open, and
  // where the focus is, stays.
  function refresh(region, done) {
    const ask = new XMLHttpRequest();
    ask.open("GET", location.href);
    ask.setRequestHeader("Hozen-Live", "1");
    ask.responseType = "document";
    ask.timeout = 20000;
    ask.onloadend = () => {
      const page = ask.response;
      if (ask.status === 200 && new URL(ask.responseURL).pathname === "/login") { location.reload(); return; }
      const fresh = ask.status === 200 && page && page.querySelector("[data-region='" + region.dataset.region + "']");
      if (!fresh) { done(region, false); return; }
      const next = document.importNode(fresh, true);
      const open = [...region.querySelectorAll("details")].map((d) => d.open);
      [...next.querySelectorAll("details")].forEach((d, i) => { if (open[i]) d.open = true; });
      const focus = document.activeElement && region.contains(document.activeElement) && document.activeElement.getAttribute("href");
      region.replaceWith(next);
      enliven(next);
      if (focus) for (const a of next.querySelectorAll("a[href]")) if (a.getAttribute("href") === focus) { a.focus({ preventScroll: true }); break; }
      done(next, true);
    };
    ask.send();
  }

  function watch(region) {
    const mark = document.getElementById("live");
    const show = (on) => {
      if (!mark) return;
      mark.hidden = false;
      mark.classList.toggle("off", !on);
      const text = on ? words.liveOn : words.liveOff;
      if (mark.textContent !== text) mark.textContent = text;
    };
    let asking = false, again = false;
    const update = () => {
      if (asking) { again = true; return; }
      asking = true;
      refresh(region, (now, good) => {
        region = now;
        show(good);
        // At most one a second, and none is lost.
        setTimeout(() => { asking = false; if (again) { again = false; update(); } }, 1000);
      });
    };
    // A page that nobody sees holds no connection: browsers have six for a host.
    const address = region.dataset.live;
    let source = null, lost = false;
    const close = () => { if (source) source.close(); source = null; };
    const open = () => {
      close();
      source = new EventSource(address);
      source.onopen = () => { show(true); if (lost) update(); lost = false; };
      source.onerror = () => {
        show(false);
        lost = true;
        // The server said no: perhaps the session is over, which the page then finds out.
        if (source && source.readyState === EventSource.CLOSED) { close(); update(); setTimeout(() => { if (!source && !document.hidden) open(); }, 10000); }
      };
      source.addEventListener("change", update);
    };
    document.addEventListener("visibilitychange", () => { if (document.hidden) { lost = true; close(); } else open(); });
    addEventListener("pagehide", close);
    addEventListener("pageshow", (e) => { if (e.persisted) location.reload(); });
    open();
  }

  enliven(document);
  const region = document.querySelector("[data-live]");
  if (region) watch(region);
})();
