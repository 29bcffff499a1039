// Light or dark: what the system says, or what was chosen here. Only that choice is kept.
"use strict";
(() => {
  const choices = ["system", "light", "dark"];
  const root = document.documentElement;

  const kept = () => {
    try {
      return localStorage.getItem("theme") || "system";
    } catch {
      return "system"; // a browser that keeps nothing
    }
  };

  const keep = (choice) => {
    try {
      localStorage.setItem("theme", choice);
    } catch {
      // It holds for this page.
    }
  };

  const show = (choice) => {
    if (choice === "system") delete root.dataset.theme;
    else root.dataset.theme = choice;
    root.dispatchEvent(new Event("themechange"));
  };

  show(kept());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => show(root.dataset.theme || "system"));

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const name = button.querySelector("span");
    button.hidden = false;
    name.textContent = root.dataset.theme || "system";
    button.addEventListener("click", () => {
      const next = choices[(choices.indexOf(name.textContent) + 1) % choices.length];
      keep(next);
      show(next);
      name.textContent = next;
    });
  });
})();
