// The map's picture as a file: what is on the screen, with a title and what the colours mean.

import { saveBlob } from "./downloads.js";
import { capital } from "./forms.js";
import { shapeOf, symbolOf } from "./latent_map_names.js";
import { Picture } from "./latent_map_picture.js";
import { rounds, stroke, asText } from "./latent_map_scene.js";

const HEAD = 64,
  SIDE = 190; // pixels beside the picture: for the title, for the legend
const SHAPES = 20_000; // up to so many points are shapes in an SVG, more are one image
const FINER = 2; // pixels of a PNG for each one on the screen
const SCALE = 220; // height of a scale of colours

/** The picture, and how it is saved as a file. */
export class Saved extends Picture {
  /** @param {"png" | "svg"} format */
  async save(format) {
    const look = this.tokens(),
      [width, height] = [this.eye.width + SIDE, this.eye.height + HEAD],
      text = this.file(width, height, look),
      name = `${this.space}-map-${this.now.dims}d.${format}`;
    if (format === "svg") return saveBlob(new Blob([text], { type: "image/svg+xml" }), name);
    const image = new Image(),
      canvas = Object.assign(document.createElement("canvas"), { width: FINER * width, height: FINER * height });
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
    await image.decode();
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((blob) => saveBlob(blob, name), "image/png");
  }

  file(width, height, look) {
    const { under, over } = this.scene(look),
      title = `${this.data.title ?? this.space}: ${this.by().label}`,
      { width: wide, height: high } = this.eye;
    const font = look.font.replaceAll('"', "'"),
      size = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
    return `<svg xmlns="http://www.w3.org/2000/svg" ${size} font-family="${font}">
<rect width="100%" height="100%" fill="${look.back}"/>
<clipPath id="stage"><rect width="${wide}" height="${high}"/></clipPath>
${asText([{ text: title, x: 24, y: 40, size: 20, fill: look.text }])}
<g transform="translate(0 ${HEAD})" clip-path="url(#stage)">
${asText(under)}
${this.shapes(look)}
${asText(over)}
</g>
<g transform="translate(${wide + 24} ${HEAD})">
${asText([...this.key(look)])}
</g>
</svg>`;
  }

  // The points: one path for those of a colour and a symbol, the selected ones last.
  shapes(look) {
    const order = this.order(),
      radius = this.drawing(look).size / 2,
      groups = new Map();
    if (order.length > SHAPES) return `<image width="${this.eye.width}" height="${this.eye.height}" href="${this.plot.image()}"/>`;
    const { lines } = this.drawing(look);
    let runs = "";
    for (let at = 0; at < lines.length; at += 2) runs += stroke([this.at(lines[at]), this.at(lines[at + 1])]);
    const chosen = this.chosen();
    for (const row of order) {
      const at = this.at(row);
      if (!at) continue;
      const symbol = this.symbol(row),
        faint = chosen.size > 0 && !chosen.has(row),
        key = `${faint} ${symbol} ${this.colour(row, look)}`;
      if (!groups.has(key)) groups.set(key, { symbol, faint, colour: this.colour(row, look), d: "" });
      groups.get(key).d += shapeOf(symbol.replace("-open", ""), at[0], at[1], radius);
    }
    const marks = [...groups.values()]
      .sort((one, other) => Number(other.faint) - Number(one.faint))
      .map(({ symbol, faint, colour, d }) => ({
        ...{ d, opacity: faint ? 0.18 : undefined },
        ...(symbol.endsWith("-open") ? { stroke: colour, width: 2 } : { fill: colour, stroke: look.back, width: 0.8 }),
      }));
    return asText([{ d: runs, stroke: look.grey, opacity: 0.45 }, ...marks]);
  }

  // What the colours mean.
  *key(look) {
    const by = this.by(),
      form = this.form(by),
      ink = { fill: look.text, size: 13 };
    yield { text: capital(by.label), x: 0, y: 12, weight: 600, ...ink };
    let below = 34;
    if (form.names)
      for (const [i, name] of this.table.named.get(by.name).names.entries()) {
        if (this.hidden.has(name)) continue;
        const symbol = symbolOf(i, by.name, this.table.several);
        yield { d: shapeOf(symbol, 6, below - 4, 5), fill: look.names[i % look.names.length] };
        yield { text: name, x: 18, y: below, ...ink };
        below += 20;
      }
    else {
      const [low, high] = this.range(),
        lengths = [1, 10, 100, 1000, 10_000, 100_000].map(Math.log10).filter((power) => power > low && power < high),
        ticks = form.log ? [low, ...lengths, high].map((at) => [at, form.end(at)]) : rounds(low, high, 5).map((at) => [at, told(form, at)]);
      yield* scale(look, below, low, high, ticks);
      below += SCALE + 40;
    }
    if (!this.line() || !(form.names || form.log) || this.line().values[0] == null) return;
    const { walked } = this.data.screen,
      [low, high] = this.lineRange();
    yield { text: `Line: ${walked.short}`, x: 0, y: below, weight: 600, ...ink };
    yield* scale(look, below + 22, low, high, rounds(low, high, 5).map((at) => [at, told(this.form(walked), at)]));
  }
}

function told(form, value) {
  return form.tick ? form.tick(value) : form.write(value);
}

// A bar of the scale's colours with its ticks.
function* scale(look, top, low, high, ticks) {
  const step = SCALE / look.stops.length;
  for (const [i, colour] of [...look.stops].reverse().entries()) {
    const y = top + i * step;
    yield { d: `M0,${y.toFixed(1)}h14v${(step + 0.5).toFixed(1)}h-14Z`, fill: colour };
  }
  for (const [value, text] of ticks) {
    const y = top + SCALE * (1 - (value - low) / (high - low || 1));
    yield { d: `M14,${y.toFixed(1)}h4`, stroke: look.text };
    yield { text, x: 22, y: y + 4, fill: look.text, size: 12 };
  }
}
