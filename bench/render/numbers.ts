/** Three significant digits, but whole numbers whole: "31.2", "0.168", "9,111"; "–" for what was not measured. */
export function say(value: number | undefined): string {
	if (value === undefined || !Number.isFinite(value)) return "–";
	const whole = Number.isInteger(value) || Math.abs(value) >= 100;
	return value.toLocaleString("en", {
		maximumFractionDigits: whole ? 0 : 20,
		...(!whole && { maximumSignificantDigits: 3, minimumSignificantDigits: 3 }),
	});
}
