/** `A`, `B`, … `Z`, `AA`: a validator's letter is its place by ascending account, so it is the same on every node's page. */
export function letterAt(place: number): string {
  const last = String.fromCharCode(65 + (place % 26));
  return place < 26 ? last : letterAt(Math.floor(place / 26) - 1) + last;
}
