// SPDX-License-Identifier: BSD-3-Clause
#include "harness/run/core/text.h"

struct out {
	char *at;
	size_t room, len;
};

struct spec {
	bool left, zero, plus, space, alt;
	int width, precision; /* -1: none */
	unsigned size;	      /* of the argument, in bytes */
	char conversion;
};

static void put(struct out *o, char c)
{
	if (o->len + 1 < o->room)
		o->at[o->len] = c;
	o->len++;
}

static void repeat(struct out *o, char c, int n)
{
	while (n-- > 0)
		put(o, c);
}

static int number(const char **p, va_list *ap)
{
	int n = 0;

	if (**p == '*') {
		(*p)++;
		return va_arg(*ap, int);
	}
	while (**p >= '0' && **p <= '9')
		n = 10 * n + *(*p)++ - '0';
	return n;
}

static bool flag(struct spec *s, char c)
{
	switch (c) {
	case '-':
		return s->left = true;
	case '0':
		return s->zero = true;
	case '+':
		return s->plus = true;
	case ' ':
		return s->space = true;
	case '#':
		return s->alt = true;
	default:
		return false;
	}
}

static unsigned length(const char **p)
{
	unsigned size = sizeof(int);

	for (;; (*p)++) {
		switch (**p) {
		case 'h':
			size /= 2;
			break;
		case 'l':
		case 'z':
		case 'j':
		case 't':
			size = 8;
			break;
		default:
			return size;
		}
	}
}

/* Behind the '%'; leaves *p behind the conversion. */
static struct spec parse(const char **p, va_list *ap)
{
	struct spec s = { .precision = -1 };

	while (flag(&s, **p))
		(*p)++;
	s.width = number(p, ap);
	if (s.width < 0) {
		s.left = true;
		s.width = -s.width;
	}
	if (**p == '.') {
		(*p)++;
		s.precision = number(p, ap);
	}
	s.size = length(p);
	s.conversion = **p;
	if (**p)
		(*p)++;
	return s;
}

static void put_string(struct out *o, const struct spec *s, const char *text, int len)
{
	if (!s->left)
		repeat(o, ' ', s->width - len);
	for (int i = 0; i < len; i++)
		put(o, text[i]);
	if (s->left)
		repeat(o, ' ', s->width - len);
}

static void put_number(struct out *o, const struct spec *s, u64 v, const char *prefix)
{
	const char *digits = s->conversion == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	const unsigned base = s->conversion == 'd' || s->conversion == 'u' ? 10 : 16;
	char text[24];
	int n = 0, zeros, len;
	int prefix_len = 0;

	for (; v; v /= base)
		text[n++] = digits[v % base];
	while (prefix[prefix_len])
		prefix_len++;
	zeros = MAX(s->precision < 0 ? 1 : s->precision, 0) - n;
	zeros = MAX(zeros, 0);
	len = prefix_len + zeros + n;
	if (s->zero && !s->left && s->precision < 0 && len < s->width) {
		zeros += s->width - len;
		len = s->width;
	}
	if (!s->left)
		repeat(o, ' ', s->width - len);
	for (int i = 0; i < prefix_len; i++)
		put(o, prefix[i]);
	repeat(o, '0', zeros);
	while (n)
		put(o, text[--n]);
	if (s->left)
		repeat(o, ' ', s->width - len);
}

static u64 take_unsigned(const struct spec *s, va_list *ap)
{
	if (s->size == 8)
		return va_arg(*ap, u64);
	return va_arg(*ap, unsigned) & (s->size == 4 ? 0xffffffffu : (1u << 8 * s->size) - 1);
}

static void put_signed(struct out *o, struct spec *s, va_list *ap)
{
	int64_t v = s->size == 8 ? va_arg(*ap, int64_t) : va_arg(*ap, int);

	if (s->size == 2)
		v = (int16_t)v;
	else if (s->size < 2)
		/* NOLINTNEXTLINE(bugprone-signed-char-misuse): a number, no character */
		v = (int64_t)(int8_t)v;
	s->conversion = 'd';
	put_number(o, s, v < 0 ? 0 - (u64)v : (u64)v,
		   v < 0      ? "-"
		   : s->plus  ? "+"
		   : s->space ? " "
			      : "");
}

static void put_text(struct out *o, const struct spec *s, const char *text)
{
	int len = 0;

	if (!text)
		text = "(null)";
	while ((s->precision < 0 || len < s->precision) && text[len])
		len++;
	put_string(o, s, text, len);
}

static void convert(struct out *o, struct spec *s, va_list *ap)
{
	u64 v;
	char c;

	switch (s->conversion) {
	case 'd':
	case 'i':
		put_signed(o, s, ap);
		break;
	case 'u':
		put_number(o, s, take_unsigned(s, ap), "");
		break;
	case 'x':
	case 'X':
		v = take_unsigned(s, ap);
		put_number(o, s, v, !s->alt || !v ? "" : s->conversion == 'x' ? "0x" : "0X");
		break;
	case 'p':
		put_number(o, s, (u64)(uintptr_t)va_arg(*ap, void *), "0x");
		break;
	case 'c':
		c = (char)va_arg(*ap, int);
		put_string(o, s, &c, 1);
		break;
	case 's':
		put_text(o, s, va_arg(*ap, const char *));
		break;
	default:
		put(o, '%');
		if (s->conversion && s->conversion != '%')
			put(o, s->conversion);
	}
}

int text_vformat(char *out, size_t room, const char *fmt, va_list ap)
{
	struct out o = { .at = out, .room = room };
	va_list args;

	/* By address from here on, which an array parameter would not allow. */
	va_copy(args, ap);
	while (*fmt) {
		struct spec s;

		if (*fmt != '%') {
			put(&o, *fmt++);
			continue;
		}
		fmt++;
		s = parse(&fmt, &args);
		convert(&o, &s, &args);
	}
	va_end(args);
	if (room)
		out[MIN(o.len, room - 1)] = '\0';
	return (int)o.len;
}

int text_format(char *out, size_t room, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = text_vformat(out, room, fmt, ap);
	va_end(ap);
	return n;
}

void text_copy(char *out, size_t room, const char *s)
{
	size_t n = 0;

	while (s[n] && n + 1 < room) {
		out[n] = s[n];
		n++;
	}
	if (room)
		out[n] = '\0';
}

bool text_same(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}
