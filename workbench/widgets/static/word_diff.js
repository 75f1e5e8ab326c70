// Which words of an answer are new against another text and which are missing; and text of a stranger made harmless to look
// at. Only the rows on the page come through here. Plain functions; text enters the page by textContent only.

const MOST_WORDS = 700;
const STEERING = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]|[\ud800-\udfff](?![\udc00-\udfff])/g;
const SEGMENTS = typeof Intl !== "undefined" && Intl.Segmenter ? new Intl.Segmenter(undefined, { granularity: "word" }) : null;

// Signs that steer a terminal or the direction of writing are shown and not obeyed.
function harmless(text) {
  return text.replace(STEERING, (sign) => (sign.length > 1 || !sign.charCodeAt(0) ? sign : `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`)).replaceAll("\0", "\\u0000");
}

function wordsOf(text) {
  return SEGMENTS ? [...SEGMENTS.segment(text)].map((part) => part.segment) : text.split(/(\s+)/).filter(Boolean);
}

// Runs of words: [" ", text] both have, ["+", text] only the answer, ["-", text] only the other. Null where that says nothing.
function wordDiff(text, other) {
  if (text === other) return null;
  const [a, b] = [wordsOf(other), wordsOf(text)];
  if (a.length > MOST_WORDS || b.length > MOST_WORDS) return null;
  const wide = b.length + 1;
  const best = new Uint16Array((a.length + 1) * wide);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      best[i * wide + j] = a[i] === b[j] ? best[(i + 1) * wide + j + 1] + 1 : Math.max(best[(i + 1) * wide + j], best[i * wide + j + 1]);
    }
  }
  const runs = [];
  const add = (kind, word) => { if (runs.length && runs.at(-1)[0] === kind) runs.at(-1)[1] += word; else runs.push([kind, word]); };
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) { add(" ", b[j]); i += 1; j += 1; }
    else if (i < a.length && (j >= b.length || best[(i + 1) * wide + j] >= best[i * wide + j + 1])) { add("-", a[i]); i += 1; }
    else { add("+", b[j]); j += 1; }
  }
  return runs;
}

// A text with its words marked against another; where most of the other is missing, only what is new is marked.
function marked(text, other) {
  const node = make("span", { dir: "auto", class: "wb-answer-text" });
  const runs = other === null ? null : wordDiff(text, other);
  if (!runs) { node.textContent = harmless(text); return node; }
  const isOther = !runs.some(([kind, word]) => kind === " " && word.trim()) && other.length > 80;
  for (const [kind, word] of runs) {
    if (kind === " ") node.append(harmless(word));
    else if (kind === "+") node.append(make("ins", { text: harmless(word) }));
    else if (!isOther) node.append(make("del", { text: harmless(word) }));
  }
  return node;
}
