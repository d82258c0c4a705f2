/** Lines on the terminal: the only component that writes text, and the last gate for what it holds. */
import { Box, Text } from 'ink';
import { memo } from 'react';
import { shown } from '../format.js';
import { useTheme } from '../hooks.js';
import type { Line } from '../line.js';
import { asciiOf } from '../theme.js';

/** One row a line; each line is as wide as its place, so Ink neither wraps nor cuts. */
export function Rows({ lines }: { readonly lines: readonly Line[] }): React.ReactNode {
  return (
    <Box flexDirection="column" flexShrink={0}>
      {lines.map((spans, index) => (
        // A line is known by its place: what moves on the screen is the text, not the line.
        <Row key={index} spans={spans} />
      ))}
    </Box>
  );
}

const Row = memo(function Row({ spans }: { readonly spans: Line }): React.ReactNode {
  const theme = useTheme();
  return (
    <Text wrap="truncate">
      {spans.map(({ text, tone }, index) => (
        <Text key={index} {...theme.tones[tone]}>
          {theme.isAscii ? asciiOf(shown(text)) : shown(text)}
        </Text>
      ))}
    </Text>
  );
}, areAlike);

function areAlike(one: { readonly spans: Line }, other: { readonly spans: Line }): boolean {
  if (one.spans.length !== other.spans.length) return false;
  return one.spans.every((part, index) => {
    const twin = other.spans[index];
    return part.text === twin?.text && part.tone === twin.tone;
  });
}
