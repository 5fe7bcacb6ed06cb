// Draws a condition anew when a menu brings other fields or a button was pressed. What somebody does while the answer
// is under way wins: the answer to an older form is thrown away, and the newest form is asked for again.
"use strict";

(function () {
  const owed = {}; // acts of the buttons pressed since the tree was drawn, by tree
  const busy = {};
  const pressed = {}; // whether the focus is still on the button that was pressed
  let composing = false;
  const byName = (name) => document.querySelector(`[data-tree="${name}"]`);
  const settledInput = () => new Promise((done) => document.addEventListener("compositionend", () => setTimeout(done), { once: true }));

  // Every field of the tree as it stands: what was typed, chosen and pressed.
  function state(tree, name) {
    const fields = tree.querySelectorAll("input, select, textarea");
    return JSON.stringify([owed[name], ...[...fields].map((field) => [field.name, field.value])]);
  }

  async function ask(tree, name) {
    const body = new FormData(tree.closest("form"));
    body.delete("act");
    body.append("act", owed[name].join(" "));
    body.append("tree", name);
    const answer = await fetch(tree.dataset.redraw, { method: "POST", body, headers: { "HX-Request": "true" } });
    if (answer.redirected) location.reload(); // the session has ended: the login page
    if (!answer.ok || answer.redirected) throw new Error(`${answer.status}`);
    return answer.text();
  }

  function show(name, html) {
    const held = document.activeElement;
    const [id, start, end] = [held && held.id, held && held.selectionStart, held && held.selectionEnd];
    byName(name).outerHTML = html;
    const tree = byName(name);
    // Who went on to another field after pressing a button stays there.
    const stays = id && !pressed[name] && document.getElementById(id);
    const next = stays || tree.querySelector("[autofocus]") || (id && document.getElementById(id));
    if (next && next !== held) {
      next.focus();
      if (next.id === id && start !== null && next.setSelectionRange && next.type === "text") next.setSelectionRange(start, end);
    }
    document.body.dispatchEvent(new Event("rebuilt"));
  }

  async function redraw(name, act) {
    (owed[name] = owed[name] || []).push(...(act ? [act] : []));
    byName(name).setAttribute("aria-busy", "true"); // gone with the tree that the answer replaces
    if (busy[name]) return;
    busy[name] = true;
    const unreachable = document.getElementById("unreachable");
    try {
      for (;;) {
        const before = state(byName(name), name);
        const html = await ask(byName(name), name);
        if (composing) await settledInput();
        if (state(byName(name), name) !== before) continue;
        owed[name] = [];
        show(name, html);
        if (unreachable) unreachable.hidden = true;
        break;
      }
    } catch (error) {
      owed[name] = [];
      byName(name).removeAttribute("aria-busy");
      if (unreachable) unreachable.hidden = false;
    } finally {
      busy[name] = false;
    }
  }

  document.addEventListener("focusin", (event) => {
    const tree = event.target instanceof Element && event.target.closest("[data-tree]");
    if (tree && !event.target.matches("button")) pressed[tree.dataset.tree] = false;
  });
  document.addEventListener("compositionstart", () => (composing = true));
  document.addEventListener("compositionend", () => (composing = false));
  document.addEventListener("change", (event) => {
    const tree = event.target instanceof Element && event.target.closest("[data-tree]");
    if (tree && event.target.matches("[data-redraws]")) redraw(tree.dataset.tree);
  });
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("[data-tree] button[name=act]");
    if (!button) return;
    event.preventDefault();
    pressed[button.closest("[data-tree]").dataset.tree] = true;
    redraw(button.closest("[data-tree]").dataset.tree, button.value);
  });
})();
