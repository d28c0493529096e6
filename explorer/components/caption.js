// A caption: one plain line, and how it is measured, which opens (explorer/captions.py, whose word for it this is).

const HOW = "How it is measured";

/**
 * @param {HTMLElement} element  Gets the caption. What a person opened stays open while its text is the same.
 * @param {[string, string] | undefined} caption  The line, and how it is measured ("" where nothing is).
 * @returns {void}
 */
export function showCaption(element, [line, how] = ["", ""]) {
  const text = JSON.stringify([line, how]);
  if (element.dataset.text === text) return;
  element.dataset.text = text;
  const said = document.createElement("p"),
    more = document.createElement("details"),
    opens = document.createElement("summary"),
    behind = document.createElement("p");
  [said.textContent, opens.textContent, behind.textContent] = [line, HOW, how];
  more.append(opens, behind);
  element.replaceChildren(...(line ? [said] : []), ...(how ? [more] : []));
}
