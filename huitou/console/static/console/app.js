// What the console does without a round trip: menu on phones, theme switch, forms that submit on change.
"use strict";

(function () {
  const root = document.documentElement;

  function darkNow() {
    const chosen = root.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }

  function setTheme(theme) {
    root.dataset.theme = theme;
    document.cookie = `huitou_theme=${theme}; path=/; max-age=31536000; samesite=lax`;
    document.dispatchEvent(new Event("huitou:theme"));
  }

  function setMenu(open) {
    const sidebar = document.getElementById("sidebar");
    const button = document.getElementById("menu-button");
    if (!sidebar || !button) return;
    sidebar.toggleAttribute("data-open", open);
    button.setAttribute("aria-expanded", String(open));
    if (open) sidebar.querySelector("a").focus();
  }

  // The clipboard is there on HTTPS and on this machine only; else the text is marked for copying by hand.
  function copyFrom(button) {
    const field = document.getElementById(button.dataset.copy);
    const done = () => (button.querySelector("span").textContent = button.dataset.copied);
    field.select();
    if (navigator.clipboard) navigator.clipboard.writeText(field.value).then(done, () => field.focus());
    else if (document.execCommand("copy")) done();
  }

  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (!target) return;
    if (target.closest("[data-theme-switch]")) setTheme(darkNow() ? "light" : "dark");
    else if (target.closest("#menu-button")) setMenu(!document.getElementById("sidebar").hasAttribute("data-open"));
    else if (!target.closest("#sidebar")) setMenu(false);
    const copy = target.closest("[data-copy]");
    if (copy) copyFrom(copy);
    const dismiss = target.closest("[data-dismiss]");
    if (dismiss) dismiss.closest(".message").remove();
  });

  document.addEventListener("keydown", (event) => {
    const open = document.querySelector("#sidebar[data-open]");
    if (event.key === "Escape" && open) {
      setMenu(false);
      document.getElementById("menu-button").focus();
    }
  });

  document.addEventListener("change", (event) => {
    const form = event.target instanceof Element ? event.target.closest("form[data-submit-on-change]") : null;
    if (form) form.requestSubmit();
  });

  // A session that ended while a page was watching something: show the login page, not a piece of it.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const answered = event.detail.xhr ? event.detail.xhr.responseURL : "";
    if (answered && new URL(answered).pathname === "/login/") {
      event.detail.shouldSwap = false;
      location.reload();
      return;
    }
    // A refusal is made to be read: it says which role would do and whom to ask.
    if (event.detail.xhr && event.detail.xhr.status === 403 && event.detail.xhr.getResponseHeader("HX-Refused")) {
      event.detail.shouldSwap = true;
    }
  });

  // A page that watches something says when nobody answers any more, and goes on when somebody does.
  function setUnreachable(gone) {
    const note = document.getElementById("unreachable");
    if (note) note.hidden = !gone;
  }
  document.addEventListener("htmx:sendError", () => setUnreachable(true));
  document.addEventListener("htmx:timeout", () => setUnreachable(true));
  document.addEventListener("htmx:beforeSwap", () => setUnreachable(false));

  // A form that was sent says so and is not sent twice, unless a file is the answer and the page stays.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || form.method !== "post" || "again" in form.dataset) return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    const button = event.submitter;
    if (button && button.dataset.busy) setTimeout(() => (button.textContent = button.dataset.busy), 0);
  });
  addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((f) => delete f.dataset.sent));
})();
