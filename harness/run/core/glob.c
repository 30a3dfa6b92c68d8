// SPDX-License-Identifier: BSD-3-Clause
#include "harness/run/core/glob.h"

/* A piece of text by its ends: nothing is copied, so parts of a pattern are patterns too. */
struct span {
	const char *at, *end;
};

static bool match(struct span p, struct span s);

/* Behind a bracket expression that begins at p.at ('['), or NULL: it is no such thing. */
static const char *bracket_end(struct span p)
{
	const char *at = p.at + 1;

	if (at < p.end && (*at == '!' || *at == '^'))
		at++;
	if (at < p.end && *at == ']')
		at++;
	while (at < p.end && *at != ']')
		at += *at == '\\' && at + 1 < p.end ? 2 : 1;
	return at < p.end ? at + 1 : NULL;
}

static bool in_bracket(const char *at, const char *end, char c)
{
	bool negated = false, found = false;

	at++;
	end--;
	if (*at == '!' || *at == '^') {
		negated = true;
		at++;
	}
	while (at < end) {
		unsigned char from, to;

		if (*at == '\\' && at + 1 < end)
			at++;
		from = to = (unsigned char)*at++;
		if (at + 1 < end && *at == '-') {
			at++;
			if (*at == '\\' && at + 1 < end)
				at++;
			to = (unsigned char)*at++;
		}
		found |= (unsigned char)c >= from && (unsigned char)c <= to;
	}
	return found != negated;
}

/* The ')' that belongs to the '(' in front of `at`, or NULL. `bar`: or the '|' before it. */
static const char *group_end(const char *at, const char *end, bool bar)
{
	unsigned depth = 1;

	for (; at < end; at++) {
		struct span rest = { at, end };
		const char *close = *at == '[' ? bracket_end(rest) : NULL;

		if (*at == '\\' && at + 1 < end)
			at++;
		else if (close)
			at = close - 1;
		else if (*at == '(')
			depth++;
		else if (*at == ')' && --depth == 0)
			return at;
		else if (*at == '|' && depth == 1 && bar)
			return at;
	}
	return NULL;
}

/* Does `s` match one of the alternatives between `at` and the closing `end`? */
static bool one_of(const char *at, const char *end, struct span s)
{
	for (;;) {
		const char *bar = group_end(at, end + 1, true);

		if (match((struct span){ at, bar }, s))
			return true;
		if (bar == end)
			return false;
		at = bar + 1;
	}
}

/* X(a|b) with what follows: `p` begins at X, `end` is its ')'. */
static bool match_group(struct span p, const char *end, struct span s)
{
	const struct span rest = { end + 1, p.end };
	const char kind = *p.at;

	if ((kind == '*' || kind == '?') && match(rest, s))
		return true;
	for (const char *cut = s.at; cut <= s.end; cut++) {
		const struct span head = { s.at, cut }, tail = { cut, s.end };
		const bool hit = one_of(p.at + 2, end, head);

		if (kind == '!') {
			if (!hit && match(rest, tail))
				return true;
			continue;
		}
		if (!hit)
			continue;
		if (match(rest, tail))
			return true;
		/* Once more: only over text that gets shorter. */
		if ((kind == '*' || kind == '+') && cut > s.at) {
			if (match_group(p, end, tail))
				return true;
		}
	}
	return false;
}

static bool match_star(struct span p, struct span s)
{
	/* The first is a star for certain, also in front of a '(' that nothing closes. */
	p.at++;
	while (p.at < p.end && *p.at == '*' && !(p.at + 1 < p.end && p.at[1] == '('))
		p.at++;
	for (; s.at <= s.end; s.at++)
		if (match(p, s))
			return true;
	return false;
}

static bool match(struct span p, struct span s)
{
	while (p.at < p.end) {
		const char c = *p.at;
		const char *end = NULL;

		if (p.at + 1 < p.end && p.at[1] == '(' &&
		    (c == '?' || c == '*' || c == '+' || c == '@' || c == '!'))
			end = group_end(p.at + 2, p.end, false);
		if (end)
			return match_group(p, end, s);
		if (c == '*')
			return match_star(p, s);
		if (s.at == s.end)
			return false;
		end = c == '[' ? bracket_end(p) : NULL;
		if (end) {
			if (!in_bracket(p.at, end, *s.at))
				return false;
			p.at = end;
		} else {
			if (c == '\\' && p.at + 1 < p.end)
				p.at++;
			if (c != '?' && *p.at != *s.at)
				return false;
			p.at++;
		}
		s.at++;
	}
	return s.at == s.end;
}

static struct span whole(const char *s)
{
	struct span all = { s, s };

	while (*all.end)
		all.end++;
	return all;
}

bool glob_match(const char *pattern, const char *s)
{
	return !pattern || match(whole(pattern), whole(s));
}
