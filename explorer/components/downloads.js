// Files for a person: a network under the thumb, a link for each export format (engine/nets/export/formats), or what a page has made.

/**
 * Puts the links behind their words, once: what is focused stays when new data come.
 *
 * @param {Element} words @param {Record<string, string>} formats  What the link to each format says, in their order.
 * @param {(format: string) => string} [address]  Where each leads; without it they stay as they are.
 * @returns {void}
 */
export function offer(words, formats, address) {
  const { parentElement: row } = words;
  if (!row.querySelector("[data-form]"))
    words.after(
      ...Object.entries(formats).map(([form, title]) => {
        const link = Object.assign(document.createElement("a"), { textContent: form, title, download: "" });
        Object.assign(link.dataset, { form, testid: `take-${form}` });
        return link;
      }),
    );
  if (address) for (const link of row.querySelectorAll("[data-form]")) link.href = address(link.dataset.form);
}

/**
 * Download what a page has made.
 *
 * @param {Blob} blob @param {string} name  Of the file. @returns {void}
 */
export function saveBlob(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
