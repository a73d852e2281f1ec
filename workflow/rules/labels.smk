# Needs: the pair table of a cell line (and its candidates, for loops), the elements of its cohort, the section
# `labels`, and the table `genome.contig_names` if there is one.
# Makes: its labelled pairs, each once, with distance, orientation and split; negatives are those of the table, or
# made of the line's own elements. A table and a figure of how the two classes differ before any model.


rule label_pairs:
    """Read the labelled pairs of a cell line, and measure how contacts and negatives differ."""
    input:
        pairs=lambda wildcards: pair_files(PROJECT.row(wildcards.cell_line)),
        contig_names=contig_names(),
        enhancers=lambda wildcards: f"results/elements/{cohort_of(wildcards)}/enhancer.parquet",
        promoters=lambda wildcards: f"results/elements/{cohort_of(wildcards)}/promoter.parquet",
        without_sequence=lambda wildcards: f"results/elements/{cohort_of(wildcards)}/without_sequence.parquet",
        candidates=lambda wildcards: f"results/elements/{cohort_of(wildcards)}/candidates.parquet",
    output:
        pairs="results/labels/{cell_line}.parquet",
        counts="results/labels/{cell_line}.json",
        balance="results/labels/{cell_line}.balance.tsv",
    log:
        "logs/label_pairs/{cell_line}.log",
    benchmark:
        "benchmarks/label_pairs/{cell_line}.tsv"
    # What the user brings is read first, so that a mistake in it stops a run before any work.
    priority: 10
    conda:
        "../envs/data.yaml"
    resources:
        # All pairs of a genome within 2 Mb are some millions.
        mem_mb=memory(2000 if PROJECT.config.labels.negatives == "natural" else 500),
        runtime=minutes(30),
    params:
        code=code("cbat.data.labels"),
        cell_lines=sheet("cell_lines"),
        row=lambda wildcards: rows(
            [PROJECT.row(wildcards.cell_line)],
            "cell_line",
            "pairs",
            "pairs_format",
            "enhancers",
            "promoters",
            "score_threshold",
            "score_column",
        ),
        contig_names=contig_names_option,
        cohort=cohort_of,
        settings=settings("labels"),
    message:
        "Read the labelled pairs of {wildcards.cell_line}."
    shell:
        "cbat label_pairs --sheet {params.cell_lines:q} --cell-line {wildcards.cell_line}"
        " --elements-directory results/elements/{params.cohort} --labels {params.settings:q}"
        " {params.contig_names:q} --output {output.pairs} > {log} 2>&1"


rule plot_balance:
    """Draw how contacts and negatives of every cell line differ."""
    input:
        balance=expand("results/labels/{cell_line}.balance.tsv", cell_line=PROJECT.names()),
    output:
        report(
            "results/figures/balance.svg",
            caption="../report/balance.rst",
            category="Labels",
            labels={"result": "Contacts and negatives"},
        ),
    log:
        "logs/plot_balance/figure.log",
    benchmark:
        "benchmarks/plot_balance/figure.tsv"
    conda:
        "../envs/plots.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(10),
    params:
        code=code("cbat.data.balance_figure"),
        figures=settings("figures", "baseline_colour", "model_colour"),
    message:
        "Draw how contacts and negatives differ."
    shell:
        "cbat plot_balance --balance {input.balance} --figures {params.figures:q} --output {output}"
        " > {log} 2>&1"
