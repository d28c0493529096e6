// How the NeRN screen writes figures, and which of its questions goes first.

// Priorities of questions; nern_view.js has those of the thumb.
/** @type {number} */
export const SHOW = 2;
/** @type {number} */
export const PANEL = 1;

/** @param {number} share  0 to 1. @returns {string} */
export const percent = (share) => `${(100 * share).toFixed(1)}\u202f%`;
/** @param {number} bytes @returns {string} */
export const megabytes = (bytes) =>
  bytes >= 1e5 ? `${(bytes / 2 ** 20).toFixed(bytes >= 1e7 ? 1 : 3)}\u202fMB` : `${(bytes / 1024).toFixed(1)}\u202fkB`;
