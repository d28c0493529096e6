// Full screen for what asks for it: an element with `data-full` (the map, the meshes, the plane), by its button `[data-full-screen]`
// or the key F, which means the one that the pointer or the focus is in, else the first in sight.

/**
 * @param {AbortSignal} signal  Ends it.
 * @returns {void}
 */
export function fullScreens(signal) {
  document.addEventListener("click", ({ target }) => target.closest("[data-full-screen]") && toggle(target.closest("[data-full]")), {
    signal,
  });
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.key !== "f" || event.ctrlKey || event.altKey || event.metaKey || event.target.closest(TYPED)) return;
      const all = [...document.querySelectorAll("[data-full]")].filter((each) => each.checkVisibility());
      const meant = all.find((each) => each.contains(document.activeElement)) ?? all.find((each) => each.matches(":hover")) ?? all[0];
      if (meant) toggle(meant);
    },
    { signal },
  );
}

const TYPED = "input:not([type=range]), textarea, select, [contenteditable=true], [role=combobox]";

function toggle(element) {
  const done = document.fullscreenElement ? document.exitFullscreen() : element.requestFullscreen();
  done.catch(() => {}); // a browser may refuse, as inside another page's frame: all stays as it is
}
