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
