import { Component, type ReactNode } from 'react';
import { Button } from '../look/Button';
import { Card } from '../look/Card';
import { i18next } from './i18n';
import styles from './PanelBoundary.module.css';

interface State {
  error: Error | null;
}

/** Keeps a panel's failure to itself. Give it the panel's id as `key`: another panel begins anew. */
export class PanelBoundary extends Component<{ children: ReactNode; onAgain: () => void }, State> {
  override state: State = { error: null };

  static getDerivedStateFromError(error: unknown): State {
    return { error: error instanceof Error ? error : new Error(String(error)) };
  }

  again = () => {
    this.props.onAgain();
    this.setState({ error: null });
  };

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    const t = (key: string) => i18next.t(`frame:broken.${key}`);
    return (
      <div role="alert">
        <Card title={t('title')}>
          <p>{t('text')}</p>
          <pre className={styles.error}>{error.message.slice(0, 500)}</pre>
          <div className={styles.ways}>
            <Button onPress={this.again}>{t('again')}</Button>
            {/* A newer node has newer files: what this page asks for by name may be gone. */}
            <Button onPress={() => location.reload()}>{t('reload')}</Button>
          </div>
        </Card>
      </div>
    );
  }
}
