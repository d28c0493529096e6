// A view's life over Streamlit's calls: made at the first, updated at each, closed by the clean-up of the last. Streamlit runs the
// clean-up of a call that newer data overtook, too: that one closes nothing.

const mounted = new WeakMap();

function mount(parentElement, make, update) {
  const view = mounted.get(parentElement) ?? make();
  mounted.set(parentElement, view);
  update(view);
  const turn = (view.turn = (view.turn ?? 0) + 1);
  return () => {
    if (view.turn !== turn) return;
    view.close();
    mounted.delete(parentElement);
  };
}

// The children of a parent, made anew, taken over into those that are there: what a finger is on, or the keyboard's focus, stays.
function refill(parent, nodes) {
  nodes.forEach((node, at) => {
    const old = parent.childNodes[at];
    if (!old) parent.append(node);
    else if (old.nodeType !== Node.ELEMENT_NODE || old.nodeName !== node.nodeName) old.isEqualNode(node) || old.replaceWith(node);
    else {
      for (const name of old.getAttributeNames()) node.hasAttribute(name) || old.removeAttribute(name);
      for (const name of node.getAttributeNames()) old.getAttribute(name) === node.getAttribute(name) || old.setAttribute(name, node.getAttribute(name));
      refill(old, [...node.childNodes]);
    }
  });
  while (parent.childNodes.length > nodes.length) parent.lastChild.remove();
}

// A button that has nothing to do just now. It keeps the keyboard's focus, which one with `disabled` would drop.
function disable(button, disabled) {
  button.setAttribute("aria-disabled", String(disabled));
}

// The button under a click that has something to do.
function pressed(event) {
  return event.target.closest('[data-do]:not([aria-disabled="true"])');
}
