// What the tour shows, in its order: where, what it says, and what it does there as a person's hand would.

/**
 * @typedef {object} Hand  What a step works with; each waits for what it is to touch and is null, or does nothing, where that never comes.
 * @property {(selector: string) => Promise<HTMLElement | null>} find  The first that can be seen.
 * @property {(selector: string, keys: string[]) => Promise<void>} press  Keys, one after the other, on an element.
 * @property {(selector: string) => Promise<void>} still  Waits until the text of an element is there and does not change any more.
 * @property {(selector: string) => Promise<void>} click
 * @property {(selector: string, name: string, text: string) => Promise<void>} drop  A file on an uploader.
 */

/** @typedef {{page: string, says: string, does?: (hand: Hand) => Promise<void>}} Step  `page`: the last part of its address. */

const MAP = ".lm[data-state='ready'] .lm-stage",
  SELECTED = "[data-testid='selected-instance']";
const times = (count, key) => Array(count).fill(key);

/** @type {Step[]} */
export const STEPS = [
  {
    page: "",
    says: "Two trained networks, and every network between them. The thumb moves, and the answers below follow.",
    does: (hand) => hand.press(".ip-thumb", [...times(4, "PageDown"), ...times(8, "PageUp")]),
  },
  {
    page: "latent-map",
    says: "The map: each point is a trained network. Arrow keys walk from point to point; A and B make one an anchor.",
    does: async (hand) => {
      await hand.press(MAP, times(3, "ArrowLeft"));
      await hand.still(SELECTED);
      await hand.press(MAP, ["a", ...times(12, "ArrowRight")]);
      await hand.still(SELECTED);
      await hand.press(MAP, ["b"]);
    },
  },
  {
    page: "interpolation",
    says: "The walk between both. The curve is what the networks on the way get right; dashed is what mixed weights do.",
    does: (hand) => hand.press(".ip-thumb", ["Home", ...times(10, "PageUp")]),
  },
  {
    page: "lso",
    says: "LSO starts at a poor network and walks through the space until it does better. It is launched now.",
    does: (hand) => hand.click(".st-key-lso_launch button"),
  },
  {
    page: "lso",
    says: "Before and after. Keep makes the best one an instance, which every page can pick.",
    does: (hand) => hand.click(".st-key-lso_keep button"),
  },
  {
    page: "preps",
    says: "Inside a network: all of its parameters as a picture, beside what the space predicts.",
  },
  {
    page: "shapes",
    says: "Here the networks are chairs. A mesh is dropped, a stool: a network is fitted to it and placed in the space, while you go on.",
    does: async (hand) => {
      await hand.drop('input[type="file"]', "stool.obj", stool());
      await hand.click(".st-key-place_it button");
      await hand.find(".st-key-placing");
    },
  },
  {
    page: "nern",
    says: "A small network that stores another one: it is pruned, and the accuracy follows. All figures of the papers are on Papers.",
    does: (hand) => hand.press(".nv .ip-thumb", times(4, "PageUp")),
  },
];

// A stool as an OBJ file: a seat on four legs, each a box.
function stool() {
  const legs = [-0.35, 0.35].flatMap((x) => [-0.35, 0.35].map((z) => [x, -0.3, z, 0.09, 0.4, 0.09]));
  const boxes = [[0, 0.15, 0, 0.5, 0.1, 0.5], ...legs];
  const corners = boxes.flatMap(([x, y, z, a, b, c]) =>
    [-a, a].flatMap((i) => [-b, b].flatMap((j) => [-c, c].map((k) => `v ${x + i} ${y + j} ${z + k}`))),
  );
  const sides = ["1 2 4 3", "5 7 8 6", "1 5 6 2", "3 4 8 7", "1 3 7 5", "2 6 8 4"];
  const faces = boxes.flatMap((_, at) => sides.map((side) => `f ${side.split(" ").map((corner) => Number(corner) + 8 * at).join(" ")}`));
  return [...corners, ...faces].join("\n");
}
