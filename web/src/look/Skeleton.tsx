import styles from './Skeleton.module.css';

/** Holds the place of what is being loaded, as high as that will be. Says nothing: `aria-busy` is the container's. */
export function Skeleton({ height }: { height: number }) {
  return <div aria-hidden="true" className={styles.skeleton} style={{ height }} />;
}
