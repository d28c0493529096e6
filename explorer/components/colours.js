// Colours of signed values, zero exactly neutral. The theme holds ten diverging stops, since Streamlit wants ten: the middle one is
// there twice, and drops out here.

function signedStops(element) {
  const stops = getComputedStyle(element).getPropertyValue("--st-chart-diverging-colors").split(",").map((stop) => stop.trim());
  return stops.filter((stop, at) => stop !== stops[at - 1]);
}

// 256 colours [red, green, blue] of -1 .. 1. Zero is a byte of 127 or 128, as it was rounded: both are the middle.
function signedRamp(element) {
  const stops = signedStops(element).map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16))), half = (stops.length - 1) / 2;
  return Array.from({ length: 256 }, (_, byte) => {
    const place = half * (byte < 128 ? byte / 127 : 1 + (byte - 128) / 127), low = Math.min(stops.length - 2, Math.floor(place));
    return stops[low].map((value, channel) => Math.round(value + (stops[low + 1][channel] - value) * (place - low)));
  });
}

// The same as RGBA words (little endian), for paintBytes.
function signedTable(element) {
  return Uint32Array.from(signedRamp(element), ([red, green, blue]) => ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0);
}
