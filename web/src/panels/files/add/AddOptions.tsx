import { useTranslation } from 'react-i18next';
import { Checkbox } from '../../../look/Checkbox';
import { Field } from '../../../look/Field';
import { NumberField } from '../../../look/NumberField';
import { direction, type Options, type Wanted } from './draft';
import styles from './AddOptions.module.css';

interface AddOptionsProps {
  what: Wanted;
  options: Options;
  onChange: (options: Options) => void;
}

/** How to add it: what matters here is seen, what most leave alone is one click deeper. */
export function AddOptions({ what, options, onChange }: AddOptionsProps) {
  const { t } = useTranslation('files');
  const set = (change: Partial<Options>) => onChange({ ...options, ...change });
  const getting = direction(what) === 'get';
  return (
    <>
      {what.kind === 'files' && what.bundle.name === '' && (
        <Field
          label={t('add.name')}
          value={options.name}
          onChange={(name) => set({ name })}
          isRequired
          maxLength={200}
        />
      )}
      {what.kind === 'torrent-file' && (
        <Checkbox label={t('add.chooseFirst')} isSelected={options.choose} onChange={(choose) => set({ choose })} />
      )}
      {getting ? (
        <Checkbox label={t('add.paused')} isSelected={options.paused} onChange={(paused) => set({ paused })} />
      ) : (
        <Checkbox label={t('add.public')} isSelected={options.open} onChange={(open) => set({ open })} />
      )}
      <details>
        <summary>{t('add.more')}</summary>
        <div className={styles.more}>
          {getting && (
            <Field
              label={t('add.dir')}
              hint={t('add.dirHint')}
              value={options.dir}
              onChange={(dir) => set({ dir })}
              mono
            />
          )}
          <div className={styles.limits}>
            <NumberField
              label={t('limits.down')}
              unit="kB/s"
              min={1}
              value={options.down}
              onChange={(down) => set({ down })}
            />
            <NumberField label={t('limits.up')} unit="kB/s" min={1} value={options.up} onChange={(up) => set({ up })} />
          </div>
          <p className="quiet">{t('limits.empty')}</p>
        </div>
      </details>
    </>
  );
}
