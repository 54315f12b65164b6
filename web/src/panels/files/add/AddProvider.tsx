import { useCallback, useEffect, useMemo, useState, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { AddContext, type Seed } from './AddContext';
import { AddDialog } from './AddDialog';
import { readDrop } from './dropped';
import { isLink, recognise } from './recognise';
import { useDrop } from './useDrop';
import styles from './AddProvider.module.css';

/** Lets things be added from anywhere on the panel: by button, by drop, by paste. */
export function AddProvider({ children }: { children: ReactNode }) {
  const { t } = useTranslation('files');
  const [opened, setOpened] = useState<{ seed: Seed; count: number } | null>(null);
  const openAdd = useCallback((seed: Seed = {}) => {
    setOpened((before) => ({ seed, count: (before?.count ?? 0) + 1 }));
  }, []);
  const value = useMemo(() => ({ openAdd }), [openAdd]);

  const over = useDrop((transfer) => {
    const text = transfer.getData('text/plain');
    void readDrop(transfer).then((files) => {
      if (files.length > 0) openAdd({ files });
      else if (recognise(text).kind !== 'nothing') openAdd({ text });
    });
  });

  useEffect(() => {
    const onPaste = (event: ClipboardEvent) => {
      // A paste into a field is the field's; an open dialog has a field of its own.
      if (
        event.target instanceof Element &&
        event.target.closest('input, textarea, select, [contenteditable], [role=dialog]')
      )
        return;
      const text = event.clipboardData?.getData('text/plain') ?? '';
      if (!isLink(text)) return;
      event.preventDefault();
      openAdd({ text });
    };
    document.addEventListener('paste', onPaste);
    return () => {
      document.removeEventListener('paste', onPaste);
    };
  }, [openAdd]);

  return (
    <AddContext value={value}>
      {children}
      {over && (
        <div className={styles.drop}>
          <p>{t('add.drop')}</p>
        </div>
      )}
      {opened && <AddDialog key={opened.count} seed={opened.seed} onClose={() => setOpened(null)} />}
    </AddContext>
  );
}
