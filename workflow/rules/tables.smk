# Needs: the tables that the report shows.
# Makes: a page of each, which a browser shows and the report holds.

SOURCES_LABEL = "Conserved, or the line's own"


def shown_tables():
    """Tables of the report: path below results/, category, caption and the name by which the report lists it."""
    landscape = PROJECT.config.landscape is not None
    if PROJECT.worlds:
        if WEIGHED:
            yield "summary/benchmark", "Benchmark", "benchmark", "What is claimed"
        if HOLDING_OUT:
            yield "summary/held_out_lines", "Cell lines held out", "held_out_lines", "Cell lines held out"
            if PEERS:
                yield "summary/held_out_peers", "Cell lines held out", "peers", "Other tools"
            if landscape:
                yield "summary/held_out_sources", "Cell lines held out", "landscape_sources", SOURCES_LABEL
        for world in PROJECT.worlds:
            yield f"worlds/{world}/summary/summary", "Worlds", "summary", world
        return
    yield "summary/summary", "Unseen cell lines", "summary", "Summary"
    yield "summary/ablations", "What each part is worth", "ablations", "Every model of this run"
    yield "summary/grid", "Accuracy", "grid", "Seen and unseen"
    if PEERS:
        yield "summary/peers", "Accuracy", "peers", "Other tools"
    if landscape:
        yield "summary/landscape_sources", "Is the environment used?", "landscape_sources", SOURCES_LABEL
    yield "summary/inputs", "Labels", "inputs", "Inputs"
    for model in PRESENTED:
        for seed in PROJECT.config.seeds:
            of, where = f"{model}, seed {seed}", f"readout/{model}/seed_{seed}"
            yield f"{where}/deviating_motifs", "Environment", "deviating_motifs", f"Deviating motifs, {of}"
            yield (
                f"{where}/calibration", "Environment", "readout_calibration",
                f"Calibration of the read-out, {of}",
            )  # fmt: skip
    if IDENTIFICATION:
        where = str(Path(IDENTIFICATION[0]).parent.relative_to("results"))
        yield f"{where}/identification", "Environment", "identification", "Is the cell line identified?"
        yield f"{where}/motifs", "Environment", "identifying_motifs", "Motifs that identify cell lines"


SHOWN_TABLES = list(shown_tables())


rule write_table_pages:
    """Write each table of the report as a page, from which the table can be downloaded."""
    input:
        [f"results/{table}.tsv" for table, *_ in SHOWN_TABLES],
    output:
        # One label each, and no two alike: of a second one the report may make a switch, which blanks the page
        # unless every result has both of its values; and a search puts the results of all categories together.
        [
            report(
                f"results/pages/{table}.html",
                category=category,
                caption=f"../report/{caption}.rst",
                labels={"result": label},
            )
            for table, category, caption, label in SHOWN_TABLES
        ],
    log:
        "logs/write_table_pages/pages.log",
    benchmark:
        "benchmarks/write_table_pages/pages.tsv"
    conda:
        "../envs/data.yaml"
    resources:
        mem_mb=memory(200),
        runtime=minutes(10),
    params:
        code=code("cbat.evaluation.table_pages"),
        titles=[label for *_, label in SHOWN_TABLES],
    message:
        "Write the tables of the report as pages."
    shell:
        "cbat write_table_pages --tables {input} --titles {params.titles:q} --pages {output} > {log} 2>&1"
