import { useState, type FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { Failure } from '../api/Failure';
import { loginCode, signIn, useSession } from '../api/session';
import { Button } from '../look/Button';
import { Card } from '../look/Card';
import { Copy } from '../look/Copy';
import { Field } from '../look/Field';
import { Brand } from './Brand';
import styles from './Login.module.css';
import './login-strings';

/** For who is not signed in: how to get in, and a place to paste what `weft dashboard` printed. */
export function Login() {
  const { t } = useTranslation('login');
  const problem = useSession((session) => session.problem);
  const [pasted, setPasted] = useState('');
  const [odd, setOdd] = useState(false);
  const [pending, setPending] = useState(false);

  const enter = async (event: FormEvent) => {
    event.preventDefault();
    const code = loginCode(pasted);
    setOdd(code === null);
    if (code === null) return;
    setPending(true);
    try {
      if (await signIn(code)) setPasted('');
    } finally {
      setPending(false);
    }
  };

  return (
    <main className={styles.page}>
      <h1 className={styles.brand}>
        <Brand className={styles.mark} />
      </h1>
      <Card title={t('title')}>
        <div className={styles.steps}>
          <p>{t('how')}</p>
          <p>
            <Copy text="weft dashboard" what={t('command')} keep={0} />
          </p>
          <p className="quiet">{t('why')}</p>
          <form onSubmit={(event) => void enter(event)} className={styles.form}>
            <Field
              label={t('paste')}
              value={pasted}
              onChange={(text) => {
                setPasted(text);
                setOdd(false);
              }}
              error={odd ? t('odd') : undefined}
              mono
              autoComplete="off"
              placeholder="http://127.0.0.1:9338/#login=…"
            />
            <Button type="submit" look="primary" isPending={pending}>
              {t('enter')}
            </Button>
          </form>
          {!odd && <Failure of={problem} />}
        </div>
      </Card>
    </main>
  );
}
