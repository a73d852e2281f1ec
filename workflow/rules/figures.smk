# Needs: the long table of metrics, and for curves the scored pairs of the two models that are compared.
# Makes: the figures of the report.


rule plot_cell_line_bars:
    """Draw the headline figure of every cell line as bars."""
    input:
        metrics="results/summary/metrics.tsv",
    output:
        report(
            "results/figures/cell_line_bars.svg",
            caption="../report/cell_line_bars.rst",
            category="Accuracy",
            labels={"result": "AUPR of each cell line"},
        ),
    log:
        "logs/plot_cell_line_bars/figure.log",
    benchmark:
        "benchmarks/plot_cell_line_bars/figure.tsv"
    conda:
        "../envs/plots.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(10),
    params:
        **FIGURE_PARAMS,
        code=code("cbat.evaluation.figures"),
    message:
        "Draw the accuracy of every cell line."
    shell:
        "cbat plot_cell_line_bars --metrics {input.metrics} --settings {params.settings:q}"
        " --figures {params.figures:q} --baseline {params.baseline} --full-model {params.full_model}"
        " --output {output} > {log} 2>&1"


rule plot_support_curve:
    """Draw AUPR against the size of the support set."""
    input:
        metrics="results/summary/metrics.tsv",
    output:
        report(
            "results/figures/support_curve.svg",
            caption="../report/support_curve.rst",
            category="Is the environment used?",
            labels={"result": "AUPR and support size"},
        ),
    log:
        "logs/plot_support_curve/figure.log",
    benchmark:
        "benchmarks/plot_support_curve/figure.tsv"
    conda:
        "../envs/plots.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(10),
    params:
        **FIGURE_PARAMS,
        code=code("cbat.evaluation.figures"),
    message:
        "Draw accuracy against the size of the support set."
    shell:
        "cbat plot_support_curve --metrics {input.metrics} --settings {params.settings:q}"
        " --figures {params.figures:q} --baseline {params.baseline} --full-model {params.full_model}"
        " --output {output} > {log} 2>&1"


rule plot_precision_recall:
    """Draw precision against recall, one panel for each cell line."""
    input:
        scored_pairs=compared("scored_pairs.parquet"),
        truth=expand(
            "results/simulation/truth/{cell_line}.parquet",
            cell_line=[name for name in PROJECT.evaluated() if name in SIMULATED],
        ),
    output:
        report(
            "results/figures/precision_recall.svg",
            caption="../report/precision_recall.rst",
            category="Accuracy",
            labels={"result": "Precision and recall"},
        ),
    log:
        "logs/plot_precision_recall/figure.log",
    benchmark:
        "benchmarks/plot_precision_recall/figure.tsv"
    # The report waits for it, and no other figure takes as long.
    priority: 1
    conda:
        "../envs/plots.yaml"
    resources:
        mem_mb=memory(500),
        runtime=minutes(10),
    params:
        **FIGURE_PARAMS,
        code=code("cbat.evaluation.figures"),
    message:
        "Draw precision against recall."
    shell:
        "cbat plot_precision_recall --scored-pairs {input.scored_pairs} --truth {input.truth}"
        " --settings {params.settings:q} --figures {params.figures:q}"
        " --baseline {params.baseline} --full-model {params.full_model} --output {output} > {log} 2>&1"
