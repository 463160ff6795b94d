/** A job with a mistake: it never looks at its flag. */
let pixels = 0;

export default function resize() {
	for (;;) sharpen();
}

function sharpen() {
	for (let i = 0; i < 1e6; i++) pixels += Math.hypot(i, pixels % 7);
}
