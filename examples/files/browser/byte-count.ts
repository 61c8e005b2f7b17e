const units = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;
const formats = units.map(
  (unit, power) => new Intl.NumberFormat("en", { style: "unit", unit, maximumFractionDigits: power > 1 ? 1 : 0 }),
);

/** A number of bytes as people write it: `3.2 MB`. */
export function describeBytes(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1);
  return formats[power]?.format(bytes / 1000 ** power) ?? "";
}
