// Shows the settings that go with what was chosen; the others wait unseen, with what they hold.
"use strict";

(function () {
  function fit(form) {
    form.querySelectorAll("[data-goes-with]").forEach((part) => {
      const choice = form.elements[part.dataset.goesWith];
      if (choice) part.hidden = !part.dataset.values.split(" ").includes(choice.value);
    });
  }
  document.querySelectorAll("form").forEach((form) => {
    fit(form);
    form.addEventListener("change", () => fit(form));
  });
})();
