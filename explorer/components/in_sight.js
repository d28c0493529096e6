// What waits until a person can see it: a page of several live views asks the server for one at a time.

/**
 * Calls `then` once, when a part of the element comes into the window.
 *
 * @param {Element} element @param {() => void} then @returns {() => void}  Stops waiting.
 */
export function inSight(element, then) {
  const observer = new IntersectionObserver((seen) => {
    if (!seen.some((each) => each.isIntersecting)) return;
    observer.disconnect();
    then();
  });
  observer.observe(element);
  return () => observer.disconnect();
}
