import styles from './Words.module.css';

/** The words of a recovery phrase, each with its place. */
export function Words({ words, label }: { words: readonly string[]; label: string }) {
  return (
    <ol className={styles.words} aria-label={label}>
      {words.map((word, place) => (
        <li key={place}>
          <span className={styles.place}>{place + 1}</span>
          <code>{word}</code>
        </li>
      ))}
    </ol>
  );
}
