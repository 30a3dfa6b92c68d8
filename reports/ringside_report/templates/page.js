// SPDX-License-Identifier: BSD-3-Clause
// Filters, one check as a page of its own, colours. Without this the page is complete, only longer.
"use strict";
(() => {
	const root = document.documentElement;
	const $ = (id) => document.getElementById(id);
	root.classList.add("js");

	// Colours: as the system, light, dark.
	const themes = [["", "◐", "System"], ["light", "☀", "Light"], ["dark", "☾", "Dark"]];
	let theme = 0;
	const stored = { get: () => null, set: () => {} };
	try {
		const store = window.localStorage;
		stored.get = () => store.getItem("ringside-theme");
		stored.set = (v) => store.setItem("ringside-theme", v);
	} catch (e) { /* a page opened from a file may have none */ }
	const paint = (index) => {
		const [name, sign, label] = themes[theme = index];
		if (name) root.dataset.theme = name;
		else delete root.dataset.theme;
		$("theme").textContent = `${sign} ${label}`;
		$("theme").setAttribute("aria-label", `Colours: ${name || "as the system"}`);
	};
	paint(Math.max(0, themes.findIndex(([name]) => name === stored.get())));
	$("theme").addEventListener("click", () => {
		paint((theme + 1) % themes.length);
		try { stored.set(themes[theme][0]); } catch (e) { /* not kept, then */ }
	});

	// Filters.
	const form = $("filter");
	const rows = [...document.querySelectorAll(".matrix tr.row")];
	const filter = () => {
		const words = $("filter-text").value.toLowerCase().split(/\s+/).filter(Boolean);
		const chosen = (name) => [...form.querySelectorAll(`[name=${name}]:checked`)].map((i) => i.value);
		const verdicts = new Set(chosen("verdict"));
		const boxes = form.querySelectorAll("[name=target]");
		const targets = boxes.length ? new Set(chosen("target")) : null;
		const differs = form.querySelector("[name=differs]");
		let shown = 0;
		for (const cell of document.querySelectorAll(".matrix [data-target]"))
			cell.hidden = targets !== null && !targets.has(cell.dataset.target);
		for (const row of rows) {
			const seen = [...row.querySelectorAll("td[data-verdict]:not([hidden])")];
			const fits = words.every((w) => row.dataset.text.includes(w)) &&
				(!verdicts.size || seen.some((c) => verdicts.has(c.dataset.verdict))) &&
				(!differs || !differs.checked || "differs" in row.dataset);
			row.hidden = !fits;
			shown += fits;
		}
		for (const body of document.querySelectorAll(".matrix tbody"))
			body.hidden = !body.querySelector("tr.row:not([hidden])");
		$("filter-count").textContent = `${shown} of ${rows.length} checks`;
	};
	if (form) {
		form.addEventListener("input", filter);
		form.addEventListener("reset", () => setTimeout(filter));
		form.addEventListener("submit", (e) => e.preventDefault());
		filter();
	}

	// One check as a page.
	const route = () => {
		const wanted = decodeURIComponent(location.hash.slice(1));
		const target = wanted && $(wanted);
		const check = target && target.closest(".check");
		for (const old of document.querySelectorAll(".check.current"))
			old.classList.remove("current");
		root.classList.toggle("routed", Boolean(check));
		if (check) {
			check.classList.add("current");
			for (const d of check.querySelectorAll("details"))
				d.open = true;
			window.scrollTo(0, 0);
		} else if (target) {
			target.scrollIntoView();
		}
	};
	window.addEventListener("hashchange", route);
	route();

	const openAll = $("open-all");
	if (openAll)
		openAll.addEventListener("click", () => {
			const all = document.querySelectorAll(".check > details");
			const open = openAll.textContent === "Open all";
			for (const d of all) d.open = open;
			openAll.textContent = open ? "Close all" : "Open all";
		});
})();
