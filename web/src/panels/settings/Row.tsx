import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { Failure } from '../../api/Failure';
import { useFeed } from '../../feed/store';
import { Button } from '../../look/Button';
import { Field } from '../../look/Field';
import { Name } from '../../look/Name';
import { Select } from '../../look/Select';
import { Switch } from '../../look/Switch';
import { toast } from '../../look/toasts';
import { useChange } from './requests';
import styles from './Row.module.css';
import { isFixed, isRate, nameKey, originOf, say, write, type Setting } from './setting';

const LEVELS = {
  quiet: 'warn,mainline=off',
  normal: 'warn,weft=info,mainline=off',
  loud: 'info,weft=debug,mainline=off',
  all: 'trace',
};
type Level = keyof typeof LEVELS | 'other';

function levelOf(value: unknown): Level {
  return (Object.keys(LEVELS) as (keyof typeof LEVELS)[]).find((level) => LEVELS[level] === value) ?? 'other';
}

function Editor({ setting, onClose }: { setting: Setting; onClose: () => void }) {
  const { t } = useTranslation('settings');
  const { t: word } = useTranslation('look');
  const [text, setText] = useState(() => write(setting.value));
  const change = useChange(setting.key);
  const save = (value: string) =>
    change.mutate(value, {
      onSuccess: ({ takes_effect }) => {
        toast(t(takes_effect === 'now' ? 'saved' : 'savedRestart'));
        onClose();
      },
    });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    save(text);
  };
  const hint = isRate(setting.key) ? t('hintRate') : Array.isArray(setting.value) ? t('hintList') : undefined;
  return (
    <form onSubmit={submit} className={styles.editor}>
      {setting.key === 'log.level' && (
        <Select
          label={t('level.label')}
          value={levelOf(text)}
          onChange={(level) => level !== 'other' && setText(LEVELS[level])}
          options={(['quiet', 'normal', 'loud', 'all', 'other'] as const).map((level) => ({
            value: level,
            label: t(`level.${level}`),
          }))}
        />
      )}
      <Field
        label={t(nameKey(setting.key), { defaultValue: setting.key })}
        value={text}
        onChange={setText}
        hint={hint}
        mono
        autoFocus
        autoComplete="off"
        onKeyDown={(key) => key === 'Escape' && onClose()}
      />
      <Failure of={change.error} />
      <div className={styles.buttons}>
        <Button type="submit" look="primary" small isPending={change.isPending}>
          {t('save')}
        </Button>
        <Button small onPress={onClose}>
          {word('cancel')}
        </Button>
        {setting.default !== undefined && write(setting.default) !== write(setting.value) && (
          <Button small look="quiet" onPress={() => save(write(setting.default))}>
            {t('reset')}
          </Button>
        )}
      </div>
    </form>
  );
}

/** On or off, at once. */
function Toggle({ setting, label, disabled }: { setting: Setting; label: string; disabled: boolean }) {
  const { t } = useTranslation('settings');
  const change = useChange(setting.key);
  return (
    <>
      <Switch
        label={label}
        hideLabel
        isSelected={setting.value === true}
        isDisabled={disabled || change.isPending}
        onChange={(on) =>
          change.mutate(String(on), {
            onSuccess: ({ takes_effect }) => toast(t(takes_effect === 'now' ? 'saved' : 'savedRestart')),
          })
        }
      />
      <Failure of={change.error} />
    </>
  );
}

/** One setting: what it is, its value, where that came from, and when a change acts. */
export function Row({ setting }: { setting: Setting }) {
  const { t } = useTranslation('settings');
  const [editing, setEditing] = useState(false);
  const past = useFeed((state) => state.replay !== null);
  const label = t(nameKey(setting.key), { defaultValue: setting.key });
  const fixed = isFixed(setting);
  const origin = originOf(setting);
  return (
    <li className={styles.row}>
      <div className={styles.what}>
        <span>{label}</span>
        <code className="quiet">{setting.key}</code>
      </div>
      <div className={styles.value}>
        {editing ? (
          <Editor setting={setting} onClose={() => setEditing(false)} />
        ) : (
          <span className={styles.shown}>
            <Name text={say(t, setting.key, setting.value)} />
          </span>
        )}
        <span className="quiet">
          <span title={origin === 'default' ? undefined : setting.origin}>{t(`origin.${origin}`)}</span>
          {setting.takes_effect && ` · ${t(setting.takes_effect)}`}
        </span>
        {fixed && <span className="quiet">{t('wins', { origin: setting.origin })}</span>}
      </div>
      <div className={styles.act}>
        {typeof setting.value === 'boolean' ? (
          <Toggle setting={setting} label={label} disabled={fixed || past} />
        ) : (
          !editing && (
            <Button
              small
              onPress={() => setEditing(true)}
              isDisabled={fixed || past}
              aria-label={t('editWhat', { what: label })}
            >
              {t('edit')}
            </Button>
          )
        )}
      </div>
    </li>
  );
}
