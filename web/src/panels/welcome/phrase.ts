/** Words of a phrase as they were typed or pasted: numbers, commas and line breaks between them do not matter. */
export function wordsIn(text: string): string[] {
  return text
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((word) => word !== '');
}

export const PHRASE_WORDS = 24;

/** Two different places of a phrase, in their order, from 0. */
export function twoPlaces(random: () => number = Math.random): [number, number] {
  const first = Math.floor(random() * PHRASE_WORDS);
  const other = Math.floor(random() * (PHRASE_WORDS - 1));
  const second = other >= first ? other + 1 : other;
  return first < second ? [first, second] : [second, first];
}
